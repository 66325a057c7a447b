"""Looks at the world and returns values; knows nothing of monitor/."""
