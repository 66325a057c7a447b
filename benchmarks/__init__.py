"""Measurements of what the monitor promises; no part of what is installed."""
