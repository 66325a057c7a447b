"""The pipeline while it runs: one module for each stage, and what they believe."""
