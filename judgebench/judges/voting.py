"""One verdict out of several replies to the same request: voting@k."""

from collections import Counter
from collections.abc import Sequence

from judgebench.judges.reward_model import PAIR, prefer
from judgebench.records import Fault, Label, Verdict


def elect(votes: Sequence[Verdict | Fault], replies: Sequence[str]) -> Verdict | Fault:
    """Return what the votes come to. `replies` are the texts they were read from.

    Scores are averaged, and the mean decides. Otherwise the preference with the most votes wins, and where two have as
    many there is no verdict: a split vote is not a tie that the judge declared. Votes that cannot be read elect nobody.
    The confidence of a preference is its share of all votes, unreadable ones included. A single vote stays as it is.
    """
    read = [vote for vote in votes if isinstance(vote, Verdict)]
    if len(votes) == 1 or not read:
        return votes[0]
    faults = len(votes) - len(read)
    scores = [vote.scores for vote in read if vote.scores is not None]
    if len(scores) == len(read):
        return _mean(scores, read, len(votes))
    counts = Counter(vote.preference for vote in read if vote.preference is not None)
    raw = _tally(counts, faults)
    leaders = [label for label, count in counts.items() if count == max(counts.values())]
    if len(leaders) != 1:
        return Fault(kind="unparsed", detail=f"the vote is split: {raw}", reply="\n\n".join(replies))
    return Verdict(preference=leaders[0], confidence=counts[leaders[0]] / len(votes), raw=raw)


def _mean(scores: Sequence[tuple[float, ...]], read: Sequence[Verdict], votes: int) -> Verdict:
    means = tuple(sum(column) / len(scores) for column in zip(*scores, strict=True))
    if len(means) != PAIR:
        return Verdict(scores=means)
    label = prefer(means)
    agreeing = sum(vote.preference == label for vote in read)
    counts = Counter(vote.preference for vote in read if vote.preference is not None)
    return Verdict(preference=label, scores=means, confidence=agreeing / votes, raw=_tally(counts, votes - len(read)))


def _tally(counts: Counter[Label], faults: int) -> str:
    found = [f"{count} {label}" for label, count in sorted(counts.items())]
    return ", ".join([*found, *([f"{faults} unreadable"] if faults else [])])
