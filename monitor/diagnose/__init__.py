"""From how each target is to whose trouble it is, and the incidents that come of it; pure."""
