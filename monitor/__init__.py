"""Remembers, judges and tells what the probes have seen."""

__version__ = "0.1.0"
