"""From how each target is to whose fault it is, and the incidents that come of it; pure."""
