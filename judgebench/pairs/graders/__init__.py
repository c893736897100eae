"""Graders: what the answer of a response is, and whether it is right."""
