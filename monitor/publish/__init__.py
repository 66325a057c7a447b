"""Shows: a snapshot becomes files that people and programs read."""
