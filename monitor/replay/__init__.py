"""The recorded past once more, by the rules of today or by others; nothing is sent."""
