"""What the commands share: arguments, tables, the terminal, and what goes wrong before they begin."""
