"""Probes providers and returns values; imports nothing from monitor/."""
