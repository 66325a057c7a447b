"""What a person types: each command, and the tables it prints."""
