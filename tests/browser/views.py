"""A made-up run of 400 pairs in two orders, twice, and what is found on its page."""

from browser.visiting import Visit
from playwright.sync_api import Locator

from factories import make_item
from fakes.view_runs import Said, says
from judgebench.records import Candidate, Item, Trial, Turn

COUNT = 400
REPEATS = 2


def of(item: Item) -> int:
    return int(item.source_id[1:])


def judge(item: Item, trial: Trial) -> Said:
    """Flip every fifth, fail to answer every seventh, be wrong on every fourth."""
    number, second = of(item), bool(trial.order[0])
    if number % 7 == 6 and second:
        return says(f"I cannot decide about {number}.")
    if number % 5 == 4:
        return says(f"The one I saw first, as ever: {number}.", "A>B", confidence=0.5)
    ours = (number % 4 == 3) != second
    return says(f"It is clear. [[verdict-{number}]]", "B>A" if ours else "A>B", confidence=(number % 90) / 100)


def make_items() -> list[Item]:
    long = "A long answer, with several sentences in it. " * 12
    return [
        make_item(
            n, category=("math", "coding", "law & order")[n % 3],
            turns=(Turn(role="user", content=f"Question {n}: which is right?\n\nThink of needle-{n}."),),
            candidates=(Candidate(content=f"{long} 1st of {n}", model="m-a"), Candidate(content=f"{long} 2nd of {n}")),
        )
        for n in range(COUNT)
    ]  # fmt: skip


def status(seen: Visit) -> Locator:
    return seen.page.get_by_role("status")


def rows(seen: Visit) -> Locator:
    return seen.page.get_by_role("listbox").get_by_role("option")


def heading(seen: Visit) -> Locator:
    return seen.page.locator("#detail h2")


def press(seen: Visit, *keys: str) -> None:
    for key in keys:
        seen.page.keyboard.press(key)
