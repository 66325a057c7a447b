"""How a request travels: the client, its certificates, and what went wrong on the way."""
