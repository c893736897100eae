"""Sandboxes for untrusted code: what passes the probes may run it, nothing else."""

from judgebench.pairs.sandbox.base import Sandbox
from judgebench.pairs.sandbox.choosing import choose
from judgebench.pairs.sandbox.program import Outcome, Program

__all__ = ["Outcome", "Program", "Sandbox", "choose"]
