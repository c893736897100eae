"""docker: a container per worker, for systems that have no Linux of their own; used where its daemon answers.

The container is without network, read-only, without capabilities, and its user owns nothing; seccomp and limits on top.
"""

import platform
import secrets
import shutil
import subprocess
import sys
from typing import ClassVar

from judgebench.pairs.sandbox import seccomp
from judgebench.pairs.sandbox.base import Sandbox
from judgebench.pairs.sandbox.worker import Launch, Setup

PATIENCE = 10
"""How long the daemon may take to answer, in seconds."""
IMAGE = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
LOCKED = (
    "--rm --interactive --pull never --network none --ipc none --read-only --cap-drop ALL "
    "--security-opt no-new-privileges --pids-limit 256 --memory 2g --memory-swap 2g --user 65534:65534 "
    "--hostname sandbox --workdir / --log-driver none --entrypoint /usr/bin/env"
)
CLEAN = ("-i", "PATH=/usr/local/bin:/usr/bin", "python3")
"""Arguments of env: nothing of the image's environment but where its Python is."""


class Docker(Sandbox):
    """Programs in a container of the official Python image."""

    name: ClassVar[str] = "docker"
    image: ClassVar[str] = IMAGE

    def missing(self) -> str | None:
        """Return what this machine lacks for it."""
        if not shutil.which("docker"):
            return "docker is not installed"
        machine = _ask("info", "--format", "{{.Architecture}}")
        if machine is None:
            return "docker's daemon does not answer"
        if machine not in seccomp.ARCHITECTURES:
            return f"docker's daemon runs on {machine or 'an unknown machine'}, not on x86_64 or aarch64"
        if _ask("image", "inspect", "--format", "{{.Id}}", self.image) is None:
            return f"docker has no image {self.image}. Type: docker pull {self.image}"
        return None

    def fingerprint(self) -> str:
        """Return which daemon and image it is."""
        version = _ask("info", "--format", "{{.ID}} {{.ServerVersion}} {{.KernelVersion}}")
        return f"{version} {_ask('image', 'inspect', '--format', '{{.Id}}', self.image)}"

    def launch(self) -> Launch:
        """Return how to start a worker."""
        machine = _ask("info", "--format", "{{.Architecture}}") or platform.machine()
        docker = shutil.which("docker")
        assert docker, "missing() comes first"
        name = f"judgebench-{secrets.token_hex(8)}"
        command = (docker, "run", "--name", name, *LOCKED.split(), self.image, *CLEAN)
        setup = Setup(outer=seccomp.outer(machine).hex(), inner=seccomp.inner(machine).hex())
        return Launch(command, setup, environment=None, rest=(docker, "kill", name))


def _ask(*question: str) -> str | None:
    """Return what docker says, None when it fails or takes too long."""
    docker = shutil.which("docker")
    assert docker, "missing() comes first"
    try:
        done = subprocess.run([docker, *question], capture_output=True, timeout=PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None
