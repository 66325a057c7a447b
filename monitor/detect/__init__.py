"""Judges a stream of observations, one target at a time; pure."""
