"""The process: the loop that joins the stages, the single round, the daemon around them."""
