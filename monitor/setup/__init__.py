"""What `init` finds → accounts that it proposes → the text of a configuration."""
