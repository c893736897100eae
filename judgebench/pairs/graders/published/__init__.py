"""Graders as others published them, traps and all, so that the differences to ours can be counted.

Each says right or wrong as the original does: what ours calls a format failure or a cut response is wrong here, and an
answer in the wrong place may be right. Described after the behaviour of the originals; the code is ours.
"""
