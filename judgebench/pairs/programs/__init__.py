"""Programs as answers: their tests, and how they are run."""
