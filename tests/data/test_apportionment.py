import pytest
from hypothesis import given
from hypothesis import strategies as st

from distalign.data.apportionment import largest_remainder


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
