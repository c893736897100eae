"""Results by pull request: what a run submits, and what the board accepts."""
