"""Signs of life for the outside: the heartbeat URL and the service manager."""
