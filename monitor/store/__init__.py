"""Remembers in SQLite: values in, values out."""
