"""Tells those outside that the monitor is alive: a heartbeat address, and the service manager."""
