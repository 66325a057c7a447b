"""Notifies people: decides who gets which message, and delivers it."""
