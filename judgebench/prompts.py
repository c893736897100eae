"""Prompts: our own templates, and other people's, pinned by commit and sha256.

The published prompt of someone else's judge is part of that judge's contract, and theirs: it is fetched
on first use, verified, cached and rendered, never shipped. `judges/pins.yaml` holds only the facts.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import yaml
from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from judgebench import registry
from judgebench.errors import MissingPrerequisite, UsageError, ValidationError
from judgebench.hashing import ID_LENGTH, sha256
from judgebench.pysource import constant, fill
from judgebench.records import Record

RAW_URL = "https://raw.githubusercontent.com"
PINS = files("judgebench.judges") / "pins.yaml"
OWN = files("judgebench.judges") / "prompts"
TEMPLATE_SUFFIX = ".j2"
OFFLINE = ("JUDGEBENCH_OFFLINE", "HF_HUB_OFFLINE")
"""The environment variables that forbid fetching."""
TIMEOUT = 30
"""Seconds a fetch may stand still."""

Format = Literal["jinja", "str"]
State = Literal["cached", "missing", "damaged"]
_BROKEN = (TemplateError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
"""What rendering a template can raise: Jinja's own errors, and those of the expressions in it."""


class Pin(Record):
    """A published prompt: where it lies and what its bytes must be. `repository` is owner/name on GitHub.

    A prompt that stands in a Python file is a string constant of it: `select` says which (see
    `judgebench.pysource`); the file is parsed, never run. `format` is how it takes its variables: `jinja`, or `str`
    for Python's `{name}`.
    """

    name: str
    repository: str
    commit: str
    path: str
    sha256: str
    bytes: int
    variables: tuple[str, ...] = ()
    select: str | None = None
    format: Format = "jinja"

    @property
    def url(self) -> str:
        """Return the address its bytes are fetched from."""
        return f"{RAW_URL}/{self.repository}/{self.commit}/{quote(self.path)}"

    @property
    def file(self) -> Path:
        """Return where its bytes are cached."""
        name = self.name if self.select is None else self.path.rpartition("/")[2]
        return cache_folder() / f"{self.sha256[:ID_LENGTH]}.{name}"

    @property
    def digest(self) -> str:
        """Return the sha256 that identifies the prompt: its file's, together with `select` where there is one."""
        return self.sha256 if self.select is None else sha256(f"{self.sha256}:{self.select}".encode())

    def text(self) -> str:
        """Return the prompt in the cached file. Raises ValidationError when the file does not hold it."""
        text = self.file.read_bytes().decode("utf-8")
        if self.select is None:
            return text
        try:
            return constant(text, self.select)
        except (LookupError, SyntaxError) as error:
            raise ValidationError(f"prompt {self.name}: {self.path} holds no constant {self.select}") from error

    @property
    def state(self) -> State:
        """Return whether the cached bytes are there and are the pinned ones."""
        if not self.file.is_file():
            return "missing"
        return "cached" if sha256(self.file.read_bytes()) == self.sha256 else "damaged"


@dataclass(frozen=True)
class Prompt:
    """A prompt template, the sha256 of its bytes, and where it comes from (a URL or a path)."""

    name: str
    text: str
    sha256: str
    origin: str
    format: Format = "jinja"

    def render(self, **variables: Any) -> str:
        """Fill the template in. Values are inserted verbatim, never read as templates themselves.

        Raises UsageError when the template is broken or names a variable that is not given.
        """
        try:
            if self.format == "str":
                return fill(self.text, variables)
            return _compile(self.text).render(**variables)
        except _BROKEN as error:
            raise UsageError(f"prompt {self.name} cannot be rendered: {error}") from error


@lru_cache(maxsize=64)
def _compile(text: str) -> Template:
    # The block settings are those that the pinned templates were published with.
    environment = SandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        autoescape=False,  # the output is a prompt, not HTML
    )
    return environment.from_string(text)


def cache_folder() -> Path:
    """Return the folder of cached prompts: under $JUDGEBENCH_CACHE, else the user's cache folder."""
    import platformdirs

    root = os.environ.get("JUDGEBENCH_CACHE") or platformdirs.user_cache_dir("judgebench")
    return Path(root).expanduser() / "prompts"


def pins() -> dict[str, Pin]:
    """Return every pinned prompt by name."""
    return _parse_pins(PINS.read_text("utf-8"))


@cache
def _parse_pins(text: str) -> dict[str, Pin]:
    return {pin.name: pin for pin in _flatten(yaml.safe_load(text))}


def _flatten(sources: list[dict[str, Any]]) -> Iterator[Pin]:
    for source in sources:
        place = {"repository": source["repository"], "commit": source["commit"]}
        for name, facts in source["files"].items():
            yield Pin(name=name, **place, **facts)


def find(name: str) -> Pin:
    """Return a pin. Raises UsageError with a suggestion for an unknown name."""
    pin = pins().get(name)
    if pin is None:
        raise UsageError(registry.unknown("prompt", name, [*pins(), *own_names()]))
    return pin


def own_names() -> list[str]:
    """Return the names of the templates that come with judgebench, sorted."""
    return sorted(entry.name for entry in OWN.iterdir() if entry.name.endswith(TEMPLATE_SUFFIX))


def load(name: str) -> Prompt:
    """Return a prompt: a pinned one by name, one of ours (`pairwise.j2`), or a file whose path ends in .j2.

    A pinned prompt is fetched when it is not cached. Raises MissingPrerequisite, naming the URL and the
    place to put it, when it cannot be; ValidationError when its bytes are not the pinned ones.
    """
    if name.endswith(TEMPLATE_SUFFIX):
        return _load_template(name)
    pin = find(name)
    if pin.state == "missing":
        fetch(pin)
    if pin.state == "damaged":
        raise ValidationError(
            f"prompt {name} at {pin.file} does not have its pinned sha256 {pin.sha256}. "
            f"Type: judgebench prompts fetch {name}"
        )
    return Prompt(name, pin.text(), pin.digest, pin.url, pin.format)


def digest(name: str) -> str:
    """Return a prompt's sha256. Fetches nothing: a pinned prompt's is known beforehand."""
    return _load_template(name).sha256 if name.endswith(TEMPLATE_SUFFIX) else find(name).digest


def _load_template(name: str) -> Prompt:
    entry: Traversable = OWN / name if name in own_names() else Path(name)
    try:
        data = entry.read_bytes()
        return Prompt(name, data.decode("utf-8"), sha256(data), name)
    except (OSError, ValueError) as error:  # not UTF-8, or a name that no file can have
        raise UsageError(f"cannot read prompt template {name}: {error}") from error


def offline() -> bool:
    """Return whether fetching is forbidden by JUDGEBENCH_OFFLINE or HF_HUB_OFFLINE."""
    return any(is_on(name) for name in OFFLINE)


def is_on(switch: str) -> bool:
    """Return whether an environment variable says yes."""
    return os.environ.get(switch, "").strip().lower() in {"1", "true", "yes", "on"}


def fetch(pin: Pin) -> None:
    """Fetch a pinned prompt into the cache, unless it is there. The file appears complete or not at all.

    Raises MissingPrerequisite when it cannot be fetched, ValidationError when it is not the pinned one.
    """
    if pin.state == "cached":
        return
    if offline():
        raise MissingPrerequisite(_by_hand(pin, "fetching is off (JUDGEBENCH_OFFLINE or HF_HUB_OFFLINE)"))
    import pooch

    pooch.get_logger().setLevel("WARNING")
    # Read at once: a refused answer would otherwise leave its connection open.
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT, stream=False)
    try:
        pooch.retrieve(pin.url, f"sha256:{pin.sha256}", pin.file.name, pin.file.parent, downloader=downloader)
    except OSError as error:  # requests' own errors are OSErrors too
        raise MissingPrerequisite(_by_hand(pin, f"it cannot be fetched ({type(error).__name__})")) from error
    except ValueError as error:  # how pooch reports a wrong hash
        raise ValidationError(
            f"prompt {pin.name} refused: what {pin.url} serves does not have the pinned sha256 {pin.sha256}"
        ) from error


def _by_hand(pin: Pin, reason: str) -> str:
    return f"prompt {pin.name} is not cached and {reason}. Put {pin.url} at {pin.file}"
