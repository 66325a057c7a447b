"""The process: the loop that runs the stages, the single round, and the daemon around them."""
