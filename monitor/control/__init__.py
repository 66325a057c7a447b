"""The control socket, over which a command talks to the process that holds the database."""
