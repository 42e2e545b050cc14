import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distalign.data.synthesize import draw_base, largest_remainder, spread
from distalign.records.schemas import DatasetSpec, Prompt, Response
from tests.support.asked import asked


def prompts(spec: DatasetSpec) -> list[Prompt]:
    return asked(spec, "{split} {number} {context}?", range(7), ("train", "test"))


def pool(spec: DatasetSpec, n: int) -> list[Response]:
    return [
        Response(
            setting="attribute",
            context=c.name,
            prompt=f"{c.name}?",
            response=f"{c.name} {category} {i}",
            category=category,
            source="llm",
        )
        for c in spec.contexts
        for category in spec.categories
        for i in range(n)
    ]


def test_counts_are_the_largest_remainder(spec: DatasetSpec) -> None:
    there = pool(spec, 40)
    base = draw_base(spec, prompts(spec), there, 100, np.random.default_rng(0))
    for context in spec.contexts:
        rows = [row for row in base if row.context == context.name]
        counts = [sum(row.category == name for row in rows) for name in spec.categories]
        assert counts == largest_remainder(context.target, 100)
        assert {row.prompt for row in rows} == {f"train {i} {context.name}?" for i in range(7)}
        # A response comes again only when all others have come.
        distinct = [len({r.response for r in rows if r.category == k}) for k in spec.categories]
        assert distinct == [min(count, 40) for count in counts]
    assert {(row.context, row.category, row.response) for row in base} <= {
        (row.context, row.category, row.response) for row in there
    }


def test_base_is_seeded(spec: DatasetSpec) -> None:
    first, again, other = (
        draw_base(spec, prompts(spec), pool(spec, 5), 100, np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("counts", [[50, 50], [90, 10], [99, 1], [0, 100], [37, 3, 60], [1, 1, 1]])
def test_every_prefix_is_balanced(counts: list[int]) -> None:
    total, k = sum(counts), len(counts)
    for seed in range(20):
        order = spread(counts, np.random.default_rng(seed))
        assert [order.count(i) for i in range(k)] == counts
        for i, count in enumerate(counts):
            share = count / total
            seen = np.cumsum(np.array(order) == i)
            # Each category is less than one row from its place: at most this many in all.
            bound = (1 - share) + (k - 1) * share
            assert np.abs(seen - share * np.arange(1, total + 1)).max() < bound + 1e-9


def test_spread_is_seeded() -> None:
    first, again, *others = (
        spread([30, 20, 50], np.random.default_rng(seed)) for seed in (1, 1, 2, 3)
    )
    assert first == again
    assert first not in others


@pytest.mark.parametrize(
    ("target", "n", "counts"),
    [
        ([0.5, 0.5], 100, [50, 50]),
        ([1 / 3, 1 / 3, 1 / 3], 100, [34, 33, 33]),
        ([0.46, 0.34, 0.2], 7, [3, 2, 2]),  # quotas 3.22, 2.38, 1.4
        ([0.7, 0.2, 0.1], 1, [1, 0, 0]),
        ([0.29, 0.71], 100, [29, 71]),  # 0.29 * 100 is a little less than 29
        ([0.0, 1.0], 100, [0, 100]),
        ([0.005, 0.995], 100, [1, 99]),  # a tie: the earlier one
        ([0.145, 0.855], 100, [15, 85]),  # a tie, though 0.145 * 100 is a little less than 14.5
    ],
)
def test_largest_remainder_by_hand(target: list[float], n: int, counts: list[int]) -> None:
    assert largest_remainder(target, n) == counts


@given(
    weights=st.lists(st.integers(0, 10**6), min_size=2, max_size=8).filter(any),
    n=st.integers(1, 10_000),
)
def test_largest_remainder_adds_up(weights: list[int], n: int) -> None:
    target = [weight / sum(weights) for weight in weights]
    counts = largest_remainder(target, n)
    assert sum(counts) == n
    assert min(counts) >= 0
    assert all(abs(count - n * p) < 1 + 1e-6 for count, p in zip(counts, target, strict=True))
