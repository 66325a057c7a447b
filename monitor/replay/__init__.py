"""Replays the recorded past by today's rules or by others; sends nothing."""
