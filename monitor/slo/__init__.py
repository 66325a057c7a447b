"""What was promised, what was kept: indicators, objectives, error budgets; pure."""
