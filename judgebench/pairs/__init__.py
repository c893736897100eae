"""Pair construction: questions with a checkable answer, graded responses, and pairs of a right and a wrong one."""
