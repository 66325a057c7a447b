"""The web server: the pages, and the signed links of messages."""
