"""What is served: the pages, and the signed links of messages."""
