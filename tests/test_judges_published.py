"""The published prompts themselves, where this machine's cache holds them: rendered as their authors render them.

The hashes are of prompts that the authors' own code made: JudgeLM's scripts at 00c4516, and JudgeBench's judges at
e2c52c2. Nothing is fetched, and nobody's words stand here.
"""

import asyncio

import pytest

from judgebench import prompts
from judgebench.hashing import sha256
from judgebench.judges.card import load_card
from judging import Door, make, view

USERS_CACHE = prompts.cache_folder().parent
"""Of the machine's user: known only until the tests hide it."""

QUESTION = "Why is the sky blue?"
RENDERED: dict[tuple[str, int, str | None], str] = {
    ("judgelm-7b", 2, None): "220781bc733a54d3b9fcd4cc60519e62cf0360cc2c1f8270ce685e44423a7dc4",
    ("judgelm-7b", 2, "Light scatters."): "dd3f6e1e9d23856c7ef7953e66eae99d2295d8a37f8a646815aea43bce0fcfcf",
    ("judgelm-7b-authors", 2, None): "17b7d4c836953e4ffbc1d87da8a458347b85484c6fafb7126ac3d7afec76338c",
    ("judgelm-7b-multi", 4, None): "5d6d7ec540bdab3f3f3ed8a2fe2164b6298f77dee105c0fc11c122c5236ad68b",
    ("judgelm-7b-multi", 3, "Light scatters."): "8e155fe530e95daab9ff5b9389a45f4354fc4a4e8c8c0ee6549c4edd36e16ae2",
    ("judgelm-7b-single", 1, "Light scatters."): "6f649f17d283d036b2b72be91a5c52bf9e655d53baf39bd89dd75c3fd617135a",
    ("judgelm-7b-mm-vet", 1, "blue<AND>sky"): "4995ed9f149f539dbc54d41a882ede975d106c419307d3e61895db798a80fa02",
    ("pandalm-7b", 2, None): "08708cf64777efa74ec12f4bba11cad5689aa670a14ceac1dcd19a44cad308cd",
}


@pytest.mark.parametrize(("name", "count", "reference"), RENDERED)
def test_a_published_prompt_is_rendered_as_its_authors_render_it(
    name: str, count: int, reference: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGEBENCH_CACHE", str(USERS_CACHE))
    monkeypatch.setenv("JUDGEBENCH_OFFLINE", "1")
    judge, door = make(name, context=None), Door("1")
    named = {**judge.templates, **load_card(name).prompts}
    missing = [pin for pin in named.values() if prompts.find(pin).state != "cached"]
    if missing:
        pytest.skip(f"not cached here: {', '.join(missing)}")
    responses = [f"Answer {number}.\nIt ends." for number in range(1, count + 1)]
    asyncio.run(judge.judge(view(*responses, question=QUESTION, reference=reference), door))
    assert sha256(door.requests[0].prompt.encode()) == RENDERED[name, count, reference]
