"""The control socket, by which a command speaks to the process that holds the database."""
