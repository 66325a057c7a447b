"""Publishing: a snapshot becomes files for people and programs."""
