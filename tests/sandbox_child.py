"""A sandbox in a process of its own: reads programs as lines of JSON, and writes their outcomes. See sandboxes.py."""

import json
import sys
from dataclasses import asdict

from judgebench.pairs.sandbox import worker
from judgebench.pairs.sandbox.bubblewrap import Bubblewrap
from judgebench.pairs.sandbox.landlock import Landlock
from judgebench.pairs.sandbox.program import Program


def main(backend: str, token: str) -> None:
    source = worker.inside() + token
    worker.inside = lambda: source  # type: ignore[assignment]
    kind = {"bubblewrap": Bubblewrap, "landlock": Landlock}[backend]
    with kind(1) as sandbox:
        for line in sys.stdin:
            fields = json.loads(line)
            calls = tuple((name, tuple(arguments)) for name, arguments in fields.pop("calls"))
            print(json.dumps(asdict(sandbox.run(Program(**fields, calls=calls)))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
