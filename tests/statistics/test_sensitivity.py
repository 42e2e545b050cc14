"""What rounds of a grid of decoding parameters say, on numbers worked by hand."""

import pytest

from distalign.records.schemas import Attribute, Category, Context, DatasetSpec, Judgement
from distalign.statistics.sensitivity import sensitivity_rows


def spec() -> DatasetSpec:
    categories = [Category(name=name, words=[name], tokens={}) for name in ("a", "b")]
    attribute = Attribute(name="letter", categories=categories, homonyms=[], settings={})
    contexts = [Context(name=name, target=[0.5, 0.5]) for name in ("x", "y")]
    return DatasetSpec(name="letters", target="even", attribute=attribute, contexts=contexts)


def rounds(context: str, letters: str) -> list[Judgement]:
    """A judged round a letter; "-" is an invalid one."""
    return [
        Judgement(context=context, round=i, prompt="?", text=letter, drawn=None,
                  probabilities=None, mass=None, judge="words",
                  category=None if letter == "-" else letter)
        for i, letter in enumerate(letters)
    ]  # fmt: skip


def test_mean_and_spread_over_seeds_by_hand() -> None:
    first = rounds("x", "aaab") + rounds("y", "aabb")  # errors 0.25 and 0
    second = rounds("x", "aaaa") + rounds("y", "aab-")  # errors 0.5 and 1/6
    (row,) = sensitivity_rows({("top_p", 0.9): [first, second]}, spec())
    assert row["mae"] == pytest.approx((0.125 + 1 / 3) / 2, abs=1e-6)
    assert row["mae_sd"] == pytest.approx((1 / 3 - 0.125) / 2**0.5, abs=1e-6)
    # E|X/n - 1/2| is 3/16 for n = 4 and 1/4 for n = 3.
    assert row["floor"] == pytest.approx((3 / 16 + (3 / 16 + 1 / 4) / 2) / 2, abs=1e-6)
    assert row["validity"] == pytest.approx((1 + 7 / 8) / 2)


def test_one_seed_has_no_spread_and_no_valid_round_no_error() -> None:
    judged = {("top_k", 1): [rounds("x", "ab")], ("top_k", 2): [rounds("x", "--")]}
    one, none = sensitivity_rows(judged, spec())
    assert (one["mae"], one["mae_sd"]) == (0.0, None)
    assert (none["mae"], none["floor"], none["validity"]) == (None, None, 0.0)
