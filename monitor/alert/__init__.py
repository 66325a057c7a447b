"""Tells people: who is told what, and the telling."""
