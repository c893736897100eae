"""The command that continues a run: `judgebench eval` with the options that it was called with."""

import shlex
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from judgebench.spec import EvalConfig

FLAGS = {"batch": "--batch", "trust_remote_code": "--trust-remote-code"}
RENAMED = {"categories": "category"}
SAMPLED = ("temperature", "max_tokens")
"""What of the sampling the command line can set."""


def command(config: dict[str, Any] | None) -> str | None:
    """Return the command that continues a run of this configuration, quoted for a shell.

    None where no command does: the run does not say how it was made, or says it in words of another version.
    """
    try:
        asked = EvalConfig.model_validate(config)
    except ValidationError:
        return None
    sampling = {} if asked.sampling is None else asked.sampling.model_dump(exclude_unset=True, exclude_none=True)
    if not set(sampling) - {"stop", "extra"} <= set(SAMPLED):
        return None
    words = [word for name in EvalConfig.model_fields for word in _words(name, getattr(asked, name))]
    words += [word for name, value in sampling.items() if name in SAMPLED for word in _option(name, value)]
    return shlex.join(["judgebench", "eval", *words])


def _words(name: str, value: Any) -> Iterator[str]:
    """Yield the words of one field, none where it is the default."""
    if name == "sampling" or value == EvalConfig.model_fields[name].get_default(call_default_factory=True):
        return
    if name == "cache":
        yield "--no-cache"
    elif name in FLAGS:
        yield FLAGS[name]
    elif name == "options":
        for option, given in value.items():
            yield from _option("backend-option", f"{option}={given}")
    elif name in {"difficulty", "workers"}:
        yield from _option(name, f"{value[0]}-{value[1]}")
    elif isinstance(value, tuple):
        for one in value:
            yield from _option(RENAMED.get(name, name), one)
    else:
        yield from _option(name, value)


def _option(name: str, value: Any) -> Iterator[str]:
    """Yield an option and its value; in one word where the value could itself pass for an option."""
    option = f"--{name.replace('_', '-')}"
    yield from [f"{option}={value}"] if str(value).startswith("-") else [option, str(value)]
