"""Heads: what reads a model's output as scores. Each is an entry point of the group `judgebench.heads`.

scalar     a number for each response: sequence-classification, first-token, value, gated, distribution, remote
pairwise   how much better the first of two is: pairrm, letters, seq2seq-letters
implicit   what a policy says of a response, less what its reference says: implicit
"""
