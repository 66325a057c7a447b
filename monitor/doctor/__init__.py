"""What is wrong with this monitor itself, and how to mend it: for a person who runs `doctor`."""
