"""What an answer means: its fault, its limits, its proof; pure."""
