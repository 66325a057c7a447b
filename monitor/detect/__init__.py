"""Detectors: judge a stream of observations, one target at a time; pure."""
