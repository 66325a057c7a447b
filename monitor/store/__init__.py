"""The store, in SQLite: values in, values out."""
