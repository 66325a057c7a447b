"""How a request travels: the client, its certificates, and network errors."""
