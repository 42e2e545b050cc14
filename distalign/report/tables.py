"""What a table of the report is, how it writes a number, and the marks that qualify one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distalign.statistics.score import Metrics

BELOW_FLOOR, DOUBTFUL = "†", "‡"
MARKS = {
    BELOW_FLOOR: "below its floor, by luck of the draw or unequal prompts; it proves no skill.",
    DOUBTFUL: "validity or fidelity is under 90 %: never the best, as garbage may meet a target.",
}
"""What stands behind a number, and what a note below its table says of it."""
LEAST_CREDIBLE = 0.9


@dataclass(frozen=True)
class Entry:
    text: str
    strong: bool = False
    link: str = ""
    marks: str = ""
    """Keys of MARKS."""

    @property
    def shown(self) -> str:
        return f"{self.text} {self.marks}".rstrip()


@dataclass(frozen=True)
class Table:
    title: str
    columns: list[str]
    rows: list[list[Entry]]

    @property
    def notes(self) -> list[str]:
        """What its marks mean."""
        used = {mark for row in self.rows for entry in row for mark in entry.marks}
        return [f"{mark} {text}" for mark, text in MARKS.items() if mark in used]


def number(value: float | None) -> str:
    """Three digits, as in the paper; a dash where there is no number."""
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"


def percent(value: float | None) -> str:
    return "–" if value is None or np.isnan(value) else f"{100 * value:.1f} %"


def interval(metrics: Metrics, kind: str) -> str:
    low, high = metrics.get(f"{kind}_low"), metrics.get(f"{kind}_high")
    return "" if low is None or high is None else f"[{number(low)}, {number(high)}]"


def training_spread(key: str, kind: str, seeds: Sequence[Metrics]) -> str:
    """How sure the mean of `key` is: one seed's interval, or several seeds' standard deviation.

    Empty where it is not defined.
    """
    if len(seeds) == 1:
        return interval(seeds[0], kind)
    values = [value for metrics in seeds if (value := metrics.get(key)) is not None]
    return f"± {number(float(np.std(values, ddof=1)))}" if len(values) > 1 else ""


def is_credible(metrics: Metrics) -> bool:
    """Whether validity and fidelity, where there are such, reach LEAST_CREDIBLE."""
    shares = (metrics.get("validity"), metrics.get("fidelity"))
    return all(share is None or share >= LEAST_CREDIBLE for share in shares)


def is_below_floor(metrics: Metrics) -> bool:
    mae, floor = metrics.get("mae"), metrics.get("floor")
    return mae is not None and floor is not None and mae < floor


def mae_marks(metrics: Metrics) -> str:
    """The marks of a cell's drawn MAE."""
    below = BELOW_FLOOR if is_below_floor(metrics) else ""
    return below if metrics.get("mae") is None or is_credible(metrics) else f"{below}{DOUBTFUL}"
