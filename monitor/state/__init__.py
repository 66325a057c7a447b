"""What a running monitor holds: what it believes, has told and plans, and what its stages call."""
