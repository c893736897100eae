"""Generators: problems with a solver, a checker, and a fault that is carried through."""
