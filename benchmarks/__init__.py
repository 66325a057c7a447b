"""How much the monitor costs beside the bare loop and beside others: `make bench`, `make profile`."""
