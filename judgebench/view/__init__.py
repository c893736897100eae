"""A run's trials, side by side, as static pages on the user's own machine.

journal.jsonl → journal.read     → Judged    what came of each trial, and where its texts stand
task, gold    → known.known      → Known     the items' texts and gold, where they are at hand
                outcomes         → Entry     right, wrong, flipped: in the item's own frame
                listing, details → data      JSON that the page shows as text only
                building.build   → view/     a page, its data in files beside it, nothing from anywhere
"""

from judgebench.view.building import Built, build

__all__ = ["Built", "build"]
