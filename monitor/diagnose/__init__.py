"""From the state of each target to whose fault it is, and to the incidents that follow; pure."""
