"""The page: style and script inside it, data in files beside it, nothing from anywhere else."""

from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment
from markupsafe import Markup

from judgebench.metrics.definition import Shape
from judgebench.pages import policy_hash, templates
from judgebench.results import Result
from judgebench.version import VERSION
from judgebench.view.texts import plain

if TYPE_CHECKING:
    from judgebench.view.content import Content

KEYS = (
    ("j", "the next item, also ↓ in the list"),
    ("k", "the previous item, also ↑ in the list"),
    ("/", "search"),
    ("Enter", "from the search to the list"),
)


def page(content: "Content", folder: str) -> str:
    """Return the page of a run. Its data are in `folder` beside it."""
    headline = _headline(content.result, content.shape) if content.result else ""
    return _environment().get_template("view.html.j2").render(content=content, folder=folder, headline=headline)


def _headline(result: Result, shape: Shape) -> str:
    """Return the metric that ranks, with its interval: `Accuracy 65.7 % [60.6, 70.6]`."""
    from judgebench.leaderboard.cells import cell
    from judgebench.leaderboard.wording import metric_words

    name = result.spec.task.headline
    metric = result.metrics.get(name)
    if metric is None or metric.value is None:
        return ""
    words = metric_words(name, shape)
    return f"{words.label} {cell(metric, words).said(words)}"


@cache
def _environment() -> Environment:
    environment = templates("judgebench.view", _inert)
    style, script = style_of_board() + own("static/view.css"), own("static/view.js")
    environment.globals.update(
        style=Markup(style),  # noqa: S704  # our own file
        script=Markup(script),  # noqa: S704  # our own file
        policies=_policies(style, script),
        keys=KEYS,
        version=VERSION,
    )
    return environment


def _inert(value: Any) -> Any:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def own(name: str) -> str:
    """Return a style, script or template of ours."""
    return files("judgebench.view").joinpath(name).read_text("utf-8")


def style_of_board() -> str:
    """Return the board's style, without importing the board."""
    found = find_spec("judgebench.leaderboard")
    assert found is not None
    assert found.submodule_search_locations
    return (Path(found.submodule_search_locations[0]) / "static" / "board.css").read_text("utf-8")


def _policies(style: str, script: str) -> tuple[str, str]:
    """Return two content security policies, both of which hold.

    The first: this style, this script and what it loads itself, by the one policy of trusted types that it makes;
    nothing else, no request, no image. The second: what it loads is from where the page is from.
    """
    first = (
        f"default-src 'none'; script-src {policy_hash(script)} 'strict-dynamic'; style-src {policy_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types parts"
    )
    return first, "script-src 'unsafe-inline' 'self'"
