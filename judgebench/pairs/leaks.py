"""Leak detectors: can the right response be told without reading it? Words and length alone must not tell.

A logistic regression sees, for each pair, the difference of the two responses' word counts (or of a few measures of
length), and learns on some questions which side is right; it is tested on others. About 50 % is what a set without
such leaks gives; how far from it chance alone leads is in the interval.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

FOLDS = 5
LEAST_SEEN = 3
"""Pairs in which a word must occur to be a feature."""
_WORD = re.compile(r"[^\W_]+|[^\w\s]")


@dataclass(frozen=True)
class Leak:
    """How often a detector is right on questions it has not seen: a share of n, with its 95 % interval (Wilson)."""

    detector: str
    accuracy: float
    low: float
    high: float
    n: int

    @property
    def leaks(self) -> bool:
        """Return whether the interval leaves 50 % out."""
        return not self.low <= 0.5 <= self.high  # noqa: PLR2004 - a coin


def detect(pairs: Sequence[tuple[str, str]], groups: Sequence[str], seed: int = 0) -> list[Leak]:
    """Run both detectors on (right, wrong) texts; `groups` are the questions. Empty for fewer than 2 × FOLDS groups."""
    if len(set(groups)) < 2 * FOLDS:
        return []
    import numpy as np

    first = np.random.default_rng(seed).random(len(pairs)) < 0.5  # noqa: PLR2004 - which side the right one stands on
    return [
        _judged(name, features(pairs), first, groups) for name, features in (("words", _words), ("length", _lengths))
    ]


def _words(pairs: Sequence[tuple[str, str]]) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    texts = [text for pair in pairs for text in pair]
    counter = CountVectorizer(tokenizer=_WORD.findall, token_pattern=None, lowercase=True, min_df=LEAST_SEEN)
    counts = counter.fit_transform(texts).sign()
    return counts[0::2] - counts[1::2]


def _lengths(pairs: Sequence[tuple[str, str]]) -> Any:
    import numpy as np
    from scipy.sparse import csr_matrix

    def measures(text: str) -> list[float]:
        return [len(text), len(text.split()), text.count("\n"), sum(map(str.isdigit, text)), text.count("*")]

    differences = np.array([np.subtract(measures(one), measures(two)) for one, two in pairs], dtype=float)
    spread = differences.std(axis=0)
    return csr_matrix(differences / np.where(spread > 0, spread, 1.0))


def _judged(name: str, features: Any, first: Any, groups: Sequence[str]) -> Leak:
    """Learn and test with sides drawn by chance: a row is turned round where the right response stands second."""
    import numpy as np
    from scipy.sparse import diags
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    from judgebench.metrics.resample import wilson

    turned = diags(np.where(first, 1.0, -1.0)) @ features
    hits = 0
    for learn, test in GroupKFold(FOLDS).split(turned, first, groups):
        model = LogisticRegression(C=0.1, max_iter=300, fit_intercept=False).fit(turned[learn], first[learn])
        hits += int((model.predict(turned[test]) == first[test]).sum())
    return Leak(name, hits / len(first), *wilson(hits / len(first), len(first)), len(first))
