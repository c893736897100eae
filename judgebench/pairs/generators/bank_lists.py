"""Program tasks about lists of numbers."""

from bisect import bisect_left, bisect_right
from collections import Counter
from itertools import accumulate, combinations, groupby, pairwise

from judgebench.pairs.generators.bank import (
    BEST,
    ENDS,
    OPERATORS,
    PARITY,
    TESTS,
    Task,
    counts,
    intervals,
    one_list,
    square,
    two_lists,
    with_number,
)

TASKS = (
    Task(
        "count_matching", "numbers", "how many of the numbers are {test} {k}",
        "count = 0\nfor number in numbers:\n    if number {test} {k}:\n        count += 1\nreturn count",
        {"test": TESTS, "k": counts(1, 6)}, one_list,
        lambda o, xs: len([x for x in xs if OPERATORS[o["test"]](x, int(o["k"]))]),
    ),
    Task(
        "sum_of_remainders", "numbers", "the sum of those numbers that leave a remainder of {r} when divided by {m}",
        "total = 0\nfor number in numbers:\n    if number % {m} == {r}:\n        total += number\nreturn total",
        {"m": counts(2, 5), "r": counts(0, 1)}, one_list,
        lambda o, xs: sum(x for x in xs if x in range(int(o["r"]) - 60, 60, int(o["m"]))),
    ),
    Task(
        "longest_stretch", "numbers",
        "the length of the longest stretch in which every number is {test} the one before it; a single number is a "
        "stretch of 1",
        "best = 1\nlength = 1\nfor i in range(1, len(numbers)):\n    if numbers[i] {test} numbers[i - 1]:\n"
        "        length += 1\n    else:\n        length = 1\n    best = max(best, length)\nreturn best",
        {"test": TESTS}, one_list,
        lambda o, xs: 1 + max((len([*run]) for ok, run in groupby(OPERATORS[o["test"]](b, a) for a, b in pairwise(xs))
                               if ok), default=0),
    ),
    Task(
        "limited", "numbers", "the numbers, with those below {low} raised to it and those above {high} lowered to it",
        "result = []\nfor number in numbers:\n    number = max({low}, number)\n    result.append(min({high}, number))\n"
        "return result",
        {"low": counts(0, 3), "high": counts(5, 8)}, one_list,
        lambda o, xs: [sorted((int(o["low"]), x, int(o["high"])))[1] for x in xs],
    ),
    Task(
        "ranked", "numbers", "the number at index {i} of the numbers sorted with the {end} first",
        "ordered = sorted(numbers, reverse={end})\nreturn ordered[{i}]",
        {"end": (("False", "smallest"), ("True", "largest")), "i": counts(0, 1)}, one_list,
        lambda o, xs: sorted(xs)[-1 - int(o["i"]) if o["end"] == "True" else int(o["i"])],
    ),
    Task(
        "compared_with_next", "numbers", "the indices, from {start} on, at which a number is {test} the next one",
        "result = []\nfor i in range({start}, len(numbers) - 1):\n    if numbers[i] {test} numbers[i + 1]:\n"
        "        result.append(i)\nreturn result",
        {"test": TESTS, "start": counts(0, 2)}, one_list,
        lambda o, xs: [i for i, (a, b) in enumerate(pairwise(xs))
                       if i >= int(o["start"]) and OPERATORS[o["test"]](a, b)],
    ),
    Task(
        "running", "numbers",
        "the list of running results when, starting from {start}, one number after the other is {sign}",
        "total = {start}\nresult = []\nfor number in numbers:\n    total {sign}= number\n    result.append(total)\n"
        "return result",
        {"sign": (("+", "added"), ("-", "subtracted")), "start": counts(0, 3)}, one_list,
        lambda o, xs: [*accumulate(xs, OPERATORS[o["sign"]], initial=int(o["start"]))][1:],
    ),
    Task(
        "pairs_apart", "numbers",
        "how many pairs of indices that are at least {gap} apart hold numbers with a sum {test} {k}",
        "count = 0\nfor i in range(len(numbers)):\n    for j in range(i + {gap}, len(numbers)):\n"
        "        if numbers[i] + numbers[j] {test} {k}:\n            count += 1\nreturn count",
        {"gap": counts(1, 3), "test": TESTS, "k": counts(4, 9)}, one_list,
        lambda o, xs: sum(OPERATORS[o["test"]](a + b, int(o["k"]))
                          for (i, a), (j, b) in combinations(enumerate(xs), 2) if j - i >= int(o["gap"])),
    ),
    Task(
        "best_window", "numbers", "the {end} sum of {k} numbers that stand next to each other, 0 if there are fewer",
        "size = {k}\nsums = [0]\nif len(numbers) >= size:\n    sums = []\n"
        "for i in range(len(numbers) - size + 1):\n    sums.append(sum(numbers[i:i + size]))\nreturn {end}(sums)",
        {"end": ENDS, "k": counts(2, 4)}, one_list,
        lambda o, xs: BEST[o["end"]]([sum(xs[i : i + int(o["k"])]) for i in range(len(xs) - int(o["k"]) + 1)] or [0]),
    ),
    Task(
        "diagonal", "matrix", "the sum of the numbers on the {which} diagonal of a square matrix, times {k}",
        "total = 0\nfor i in range(len(matrix)):\n    total += matrix[i][{which}]\nreturn total * {k}",
        {"which": (("i", "main"), ("-1 - i", "other")), "k": counts(1, 3)}, square,
        lambda o, m: int(o["k"]) * sum((row if o["which"] == "i" else row[::-1])[i] for i, row in enumerate(m)),
    ),
    Task(
        "line_sums", "matrix", "the {end} sum of a {line} of a square matrix",
        "sums = []\nfor i in range(len(matrix)):\n    total = 0\n    for j in range(len(matrix)):\n"
        "        total += matrix[{line}]\n    sums.append(total)\nreturn {end}(sums)",
        {"end": ENDS, "line": (("i][j", "row"), ("j][i", "column"))}, square,
        lambda o, m: BEST[o["end"]](map(sum, m if o["line"] == "i][j" else zip(*m, strict=True))),
    ),
    Task(
        "groups_of_spans", "spans",
        "how many groups are left when spans (start, end) that overlap are put together; spans that only touch are "
        "{touch}",
        "count = 0\nreach = -1\nfor start, end in sorted(spans):\n    if start {touch} reach:\n        count += 1\n"
        "    reach = max(reach, end)\nreturn count",
        {"touch": ((">", "put together too"), (">=", "kept apart"))}, intervals,
        lambda o, spans: _groups(spans, 0 if o["touch"] == ">" else 1),
    ),
    Task(
        "rotated", "numbers", "the numbers rotated to the {way} by {k} places",
        "shift = {way}{k} % len(numbers)\nreturn numbers[shift:] + numbers[:shift]",
        {"way": (("", "left"), ("-", "right")), "k": counts(1, 3)}, one_list,
        lambda o, xs: [xs[(i + int(o["k"]) * (-1 if o["way"] else 1)) % len(xs)] for i in range(len(xs))],
    ),
    Task(
        "without_repeats", "numbers", "the numbers without repetitions, each kept only where it stands {part}",
        "result = []\nfor i in range(len(numbers)):\n    if numbers[i] not in numbers[{part}]:\n"
        "        result.append(numbers[i])\nreturn result",
        {"part": ((":i", "first"), ("i + 1:", "last"))}, one_list,
        lambda o, xs: [*dict.fromkeys(xs)] if o["part"] == ":i" else [*dict.fromkeys(xs[::-1])][::-1],
    ),
    Task(
        "chosen_from_two", "first, second", "a list of the {end} of each number of one list and {k} times its partner",
        "result = []\nfor a, b in zip(first, second):\n    result.append({end}(a, {k} * b))\nreturn result",
        {"end": ENDS, "k": counts(1, 4)}, two_lists,
        lambda o, xs, ys: [*map(BEST[o["end"]], xs, (int(o["k"]) * y for y in ys))],
    ),
    Task(
        "greatest_rise", "numbers",
        "by how much a number exceeds one that stands at least {gap} places before it, at most; {start} if none does "
        "by more",
        "best = {start}\nfor i in range(len(numbers)):\n    for j in range(i + {gap}, len(numbers)):\n"
        "        best = max(best, numbers[j] - numbers[i])\nreturn best",
        {"gap": counts(1, 4), "start": counts(0, 3)}, one_list,
        lambda o, xs: max([int(o["start"])] + [xs[j] - xs[i] for j in range(len(xs))
                                               for i in range(j - int(o["gap"]) + 1)]),
    ),
    Task(
        "most_frequent", "numbers", "the number that occurs most often, of several such numbers the {end}",
        "counts = {{}}\nfor number in numbers:\n    counts[number] = counts.get(number, 0) + 1\n"
        "most = max(counts.values())\nreturn {end}([number for number in counts if counts[number] == most])",
        {"end": ENDS}, one_list,
        lambda o, xs: BEST[o["end"]](x for x in xs if xs.count(x) == max(Counter(xs).values())),
    ),
    Task(
        "beside_the_mean", "numbers", "how many of the numbers are {test} the mean of all of them",
        "count = 0\nfor number in numbers:\n    if number * len(numbers) {test} sum(numbers):\n        count += 1\n"
        "return count",
        {"test": TESTS}, one_list,
        lambda o, xs: sum(OPERATORS[o["test"]](x * len(xs) - sum(xs), 0) for x in xs),
    ),
    Task(
        "every_so_many", "numbers", "every {k} of the numbers, the first of them at index {start}",
        "result = []\nfor i in range({start}, len(numbers), {k}):\n    result.append(numbers[i])\nreturn result",
        {"k": (("2", "second"), ("3", "third"), ("4", "fourth")), "start": counts(0, 3)}, one_list,
        lambda o, xs: xs[int(o["start"]) :: int(o["k"])],
    ),
    Task(
        "place_of", "numbers, value",
        "at which index the value goes into the sorted numbers so that it comes {test} those equal to it",
        "ordered = sorted(numbers)\nlow = 0\nhigh = len(ordered)\nwhile low < high:\n    middle = (low + high) // 2\n"
        "    if ordered[middle] {test} value:\n        low = middle + 1\n    else:\n        high = middle\nreturn low",
        {"test": (("<", "before"), ("<=", "after"))}, with_number,
        lambda o, xs, v: (bisect_left if o["test"] == "<" else bisect_right)(sorted(xs), v),
    ),
    Task(
        "alternating_sum", "numbers",
        "what the numbers come to when those at {r} indices are added and the others subtracted",
        "total = 0\nfor i in range(len(numbers)):\n    if i % 2 == {r}:\n        total += numbers[i]\n    else:\n"
        "        total -= numbers[i]\nreturn total",
        {"r": PARITY}, one_list,
        lambda o, xs: (sum(xs[::2]) - sum(xs[1::2])) * (1 if o["r"] == "0" else -1),
    ),
)  # fmt: skip


def _groups(spans: list[tuple[int, int]], apart: int) -> int:
    """Count the groups of cells that spans cover, in half steps; touching ends are a cell in common unless `apart`."""
    covered = {cell for start, end in spans for cell in range(2 * start + apart, 2 * end + 1 - apart)}
    return sum(cell - 1 not in covered for cell in covered)
