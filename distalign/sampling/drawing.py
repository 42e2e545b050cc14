"""Draws of the steering token (equation 10): one round by itself, or all rounds together."""

import numpy as np
from numpy.typing import NDArray

from distalign.engines.engine import Decoding

EPSILON = 1e-12
Array = NDArray[np.float64]


def decoded(probabilities: Array, decoding: Decoding) -> Array:
    """Probabilities (..., K) after temperature, top-k and top-p, applied in this order.

    Temperature 0 leaves the most probable category alone; ties go to the first.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    order = np.argsort(-p, axis=-1, kind="stable")
    rank = np.argsort(order, axis=-1)
    if decoding.temperature == 0:
        return (rank == 0).astype(np.float64)
    with np.errstate(divide="ignore"):
        logits = np.log(p) / decoding.temperature
    p = np.exp(logits - logits.max(-1, keepdims=True))
    if decoding.top_k:
        p[rank >= decoding.top_k] = 0.0
    p /= p.sum(-1, keepdims=True)
    if decoding.top_p < 1:
        ranked = np.take_along_axis(p, order, -1)
        before = ranked.cumsum(-1) - ranked
        p[np.take_along_axis(before, rank, -1) >= decoding.top_p] = 0.0
    return p / p.sum(-1, keepdims=True)


def draw_independent(probabilities: Array, uniform: float) -> int:
    """One category of (K,) by inverting the cumulative sum (equation 10)."""
    cumulative = np.cumsum(probabilities)
    return int(np.searchsorted(cumulative / cumulative[-1], uniform, side="right"))


def draw_coordinated(probabilities: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """One category a row of (N, K), drawn together: systematic sampling of all categories.

    Row i is category k with probability p_ik exactly, and the number of rows of category k is
    Σ_i p_ik rounded down or up, for every k at once. Rows are therefore dependent: what this
    yields is a sample with the right proportions, not N independent rounds, and the floor of
    independent rounds does not apply to it.

    Dependent rounding of a bipartite graph (Gandhi, Khuller, Parthasarathy, Srinivasan, J. ACM
    53(3), 2006) of rows and categories; with two categories it is the pivotal method. Rows
    are taken in random order.
    """
    order = rng.permutation(len(probabilities))
    x = np.array(probabilities, dtype=np.float64)[order]
    x /= x.sum(-1, keepdims=True)
    while (path := _alternating_path(_open_entries(x))) is not None:
        rows, columns = np.array(path).T
        # Entries in even places rise while those in odd places fall, or the other way round.
        sign = np.where(np.arange(len(path)) % 2, -1.0, 1.0)
        value = x[rows, columns]
        rise = np.where(sign > 0, 1 - value, value).min()
        fall = np.where(sign > 0, value, 1 - value).min()
        step = rise if rng.random() * (rise + fall) < fall else -fall
        x[rows, columns] = value + step * sign
    drawn = np.empty(len(x), dtype=np.int64)
    drawn[order] = x.argmax(-1)
    return drawn


def _open_entries(x: Array) -> NDArray[np.bool_]:
    """Entries that are not yet 0 or 1; a row with one of them is settled but for rounding."""
    undecided = (x > EPSILON) & (x < 1 - EPSILON)
    return undecided & (undecided.sum(-1, keepdims=True) > 1)


def _alternating_path(undecided: NDArray[np.bool_]) -> list[tuple[int, int]] | None:
    """Entries (row, column), two by two in a row, of a cycle or of a path that cannot go on.

    A path begins and ends at columns that hold no other undecided entry.
    """
    n = undecided.sum(0)
    if not n.any():
        return None
    ends = np.flatnonzero(n == 1)
    column = int(ends[0]) if len(ends) else int(n.argmax())
    path: list[tuple[int, int]] = []
    visited, left = [column], dict[int, int]()
    row = -1
    while True:
        rows = [r for r in undecided[:, column].nonzero()[0][:2] if r != row]
        if not rows:
            return path
        row = int(rows[0])
        # A row met again closes a cycle at the column to which the path left it.
        following = left.get(row)
        if following is None:
            following = int(next(k for k in undecided[row].nonzero()[0] if k != column))
        left[row] = following
        path += [(row, column), (row, following)]
        if following in visited:
            return path[2 * visited.index(following) :]
        visited.append(following)
        column = following
