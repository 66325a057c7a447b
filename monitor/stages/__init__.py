"""The running pipeline: one module per stage, and the state they share."""
