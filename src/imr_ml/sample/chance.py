"""Draw random values from a seed, the same on every machine and in every Python version."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, TypeVar

T = TypeVar("T")
_LEVELS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """Values and cumulative weights for `draw`."""

    values: tuple[T, ...]
    cumulative: tuple[float, ...]


def open_stream(seed: int, index: int) -> random.Random:
    """Create the random generator of a letter; text seeds give the same numbers in every process."""
    return random.Random(f"imr-ml sample {seed} {index}")


def table(pairs: Iterable[tuple[T, float]]) -> Table[T]:
    """Make a table of (value, weight) pairs, without weights of zero or less."""
    positive = [(value, weight) for value, weight in pairs if weight > 0]
    return Table(tuple(value for value, _ in positive), tuple(accumulate(weight for _, weight in positive)))


def draw(rng: random.Random, choices: Table[T]) -> T:
    """Draw one value, with probability proportional to its weight."""
    cumulative = choices.cumulative
    place = bisect_right(cumulative, rng.random() * cumulative[-1])
    return choices.values[min(place, len(cumulative) - 1)]


def pick(rng: random.Random, values: Sequence[T]) -> T:
    """Draw one value, all equally likely."""
    return values[int(rng.random() * len(values))]


def draw_several(rng: random.Random, values: Sequence[T], count: int) -> list[T]:
    """Draw up to `count` different values in random order."""
    remaining = list(values)
    return [remaining.pop(int(rng.random() * len(remaining))) for _ in range(min(count, len(remaining)))]


def draw_between(rng: random.Random, low: int, high: int) -> int:
    """Draw a whole number from `low` to `high`, both included."""
    return low + int(rng.random() * (high - low + 1))


def draw_quantile(rng: random.Random, values: Sequence[int]) -> int:
    """Draw a number with the 0, 5, 25, 50, 75, 95 and 100 % quantiles `values`, linear between them."""
    level = rng.random()
    step = bisect_right(_LEVELS, level) - 1
    share = (level - _LEVELS[step]) / (_LEVELS[step + 1] - _LEVELS[step])
    return round(values[step] + share * (values[step + 1] - values[step]))
