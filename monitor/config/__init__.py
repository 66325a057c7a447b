"""monitor.toml → frozen, typed values: every error at once, each with its repair."""
