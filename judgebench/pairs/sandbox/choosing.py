"""Which sandbox is used here: the best that passes its probes. None, none: then nothing is run."""

import contextlib
import sys

from judgebench import registry
from judgebench.errors import MissingPrerequisite, UsageError
from judgebench.pairs.sandbox import host, seccomp
from judgebench.pairs.sandbox.base import Sandbox
from judgebench.pairs.sandbox.worker import inside
from judgebench.version import VERSION

BEST = ("bubblewrap", "landlock", "docker")
UNSAFE = "unsafe-local"
WARNING = """\
WARNING: --unsafe-local: no sandbox. Programs that nobody has read now run with your rights: they can read and delete
your files and use your network. Do this only on a machine that you can throw away. Results say so.
"""


def choose(*, unsafe_local: bool = False, prefer: str | None = None) -> Sandbox:
    """Return the best sandbox whose probes pass here, or, by name, the one that is preferred.

    With `unsafe_local`, where none passes, a process without a sandbox, and a warning on stderr; its name is
    `unsafe-local`, to be recorded. Raises MissingPrerequisite when there is nothing to return, UsageError for an
    unknown name.
    """
    if prefer == UNSAFE:
        if not unsafe_local:
            raise UsageError("unsafe-local is no sandbox: type --unsafe-local to run programs without one")
        return _unsafe()
    reasons = []
    for name in [prefer] if prefer else _order():
        try:
            sandbox: Sandbox = registry.load("sandboxes", name)()
        except MissingPrerequisite as error:
            reasons.append(f"{name}: {error}")
            continue
        reason = _why_not(sandbox)
        if reason is None:
            return sandbox
        sandbox.close()
        reasons.append(f"{name}: {reason}")
    if unsafe_local:
        return _unsafe()
    if prefer:
        raise MissingPrerequisite(f"this sandbox cannot be used here: {reasons[0]}")
    raise MissingPrerequisite(
        f"no sandbox for untrusted programs passes its self-test here ({'; '.join(reasons)}). "
        "Type: apt-get install bubblewrap, or --unsafe-local to run them without one"
    )


def _order() -> list[str]:
    """Return the names to try: ours, the strongest first, then other packages' by name."""
    known = registry.names("sandboxes")
    return [*(name for name in BEST if name in known), *(name for name in known if name not in BEST)]


def _unsafe() -> Sandbox:
    from judgebench.pairs.sandbox.unsafe import UnsafeLocal

    sys.stderr.write(WARNING)
    return UnsafeLocal()


def _why_not(sandbox: Sandbox) -> str | None:
    """Return why a sandbox cannot be used. That it passed is remembered until the machine starts again."""
    from judgebench.cache import default_folder
    from judgebench.hashing import digest

    lack = sandbox.missing()
    if lack:
        return lack
    boot = host.boot()
    conditions = [boot, VERSION, inside(), sandbox.name, sandbox.fingerprint(), sys.executable, sys.version]
    if seccomp.supported():
        conditions += [seccomp.outer().hex(), seccomp.inner().hex()]
    passed = default_folder().parent / "sandboxes" / digest(conditions)
    if boot and passed.exists():
        return None
    reason = sandbox.available()
    if boot and reason is None:
        with contextlib.suppress(OSError):  # then the probes run again next time
            passed.parent.mkdir(parents=True, exist_ok=True)
            passed.touch()
    return reason
