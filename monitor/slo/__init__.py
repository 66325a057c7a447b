"""What was promised, and what was kept: indicators, objectives, error budgets; pure."""
