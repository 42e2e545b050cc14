"""Rows that a training step holds beside its own: which ones depends on the step alone."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class OfSteps(Protocol[T_co]):
    """What has rows for each step."""

    def at(self, step: int, process: int, n_processes: int) -> Sequence[T_co]: ...


class StepRows(Generic[T]):
    """Some rows for each step, all of them once before any comes again.

    Args:
        rows: to take from.
        per_step: rows a step, over all processes.
        seed: of the rows' order, another in every pass over them.
    """

    def __init__(self, rows: Sequence[T], per_step: int, seed: int) -> None:
        self._rows, self._per_step, self._seed = rows, per_step, seed

    def at(self, step: int, process: int, n_processes: int) -> list[T]:
        """A process's rows of a step. A resumed run goes on with those that it had next."""
        places = range(step * self._per_step + process, (step + 1) * self._per_step, n_processes)
        return [self._rows[self._place(place)] for place in places]

    def _place(self, number: int) -> int:
        turn, place = divmod(number, len(self._rows))
        return int(np.random.default_rng([self._seed, turn]).permutation(len(self._rows))[place])
