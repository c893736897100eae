"""No sandbox: a process with limits and nothing else. Only for those who ask for it by name."""

from typing import ClassVar

from judgebench.pairs.sandbox import host
from judgebench.pairs.sandbox.base import Sandbox
from judgebench.pairs.sandbox.worker import Launch, Setup


class UnsafeLocal(Sandbox):
    """Programs with the rights of whoever runs this, under limits of time, memory and output."""

    name: ClassVar[str] = "unsafe-local"

    def missing(self) -> str | None:
        """Return None: all it takes is an interpreter."""
        return None

    def launch(self) -> Launch:
        """Return how to start a worker."""
        return Launch((host.executable(),), Setup(tasks=host.threads_allowed(None), linux=host.LINUX))
