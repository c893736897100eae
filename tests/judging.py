"""What tests of judges share: views, doors that answer from a script, and stand-ins for pinned prompts."""

import asyncio
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from judgebench import prompts, registry
from judgebench.hashing import sha256
from judgebench.judges.base import Judge
from judgebench.judges.card import JudgeCard, load_card
from judgebench.records import Fault, Reply, Turn, Verdict, View


def view(*responses: Any, question: str = "What is 2 + 2?", **fields: Any) -> View:
    """Return a view of these responses, two by default."""
    turns = fields.pop("turns", (Turn(role="user", content=question),))
    return View(turns=turns, responses=responses or ("four", "five"), **fields)


class Door:
    """An `ask` that answers from a script and keeps what it was asked. A string stands for a whole reply."""

    def __init__(self, *replies: str | Reply) -> None:
        self.replies = [reply if isinstance(reply, Reply) else Reply(text=reply) for reply in replies]
        self.requests: list[Any] = []

    async def __call__(self, request: Any) -> Reply:
        self.requests.append(request)
        return self.replies[len(self.requests) - 1]


def decide(judge: Judge, seen: View | None = None, *replies: str | Reply) -> Verdict | Fault:
    """Return what the judge says of a view, given these replies. All of them must have been asked for."""
    door = Door(*replies)
    answer = asyncio.run(judge.judge(seen or view(), door))
    assert len(door.requests) == len(replies)
    return answer


def make(card: str | JudgeCard, **changes: Any) -> Any:
    """Build the judge of a card, or of a built-in card's name, with some of its fields changed."""
    card = load_card(card) if isinstance(card, str) else card
    card = card.model_copy(update=changes)
    return registry.load("families", card.family)(card)


@cache
def _pins(templates: tuple[tuple[str, str], ...], formats: tuple[str, ...]) -> str:
    pinned = {
        name: {
            "path": f"folder/{name}.jinja2", "sha256": sha256(text.encode()), "bytes": len(text.encode()),
            "format": format_,
        }
        for (name, text), format_ in zip(templates, formats, strict=True)
    }  # fmt: skip
    return yaml.safe_dump([{"repository": "someone/prompts", "commit": "c0ffee", "files": pinned}])


def pin_stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, templates: dict[str, str]) -> Path:
    """Pin our own stand-ins under the names of published prompts, cached already. Returns the cache folder."""
    real = prompts.pins()
    formats = tuple(real[name].format if name in real else "jinja" for name in templates)
    file = tmp_path / "pins.yaml"
    file.write_text(_pins(tuple(templates.items()), formats), "utf-8")
    monkeypatch.setattr(prompts, "PINS", file)
    monkeypatch.setenv("JUDGEBENCH_CACHE", str(tmp_path / "cache"))
    prompts.cache_folder().mkdir(parents=True)
    for pin in prompts.pins().values():
        pin.file.write_bytes(templates[pin.name].encode())
    return prompts.cache_folder()
