"""The store that several places and nodes share: a PostgreSQL."""
