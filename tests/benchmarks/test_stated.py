"""Paired statements: the same figures about the other category."""

import numpy as np
import pytest

from benchmarks.stated import CURRICULUM, draw, exchanged, narrowed, rate_share
from distalign.data.stated import read_phrasings
from distalign.records.files import read_attribute
from tests.support.paths import ROOT


@pytest.mark.parametrize("words", [("male", "female"), ("female", "male"), ("yes", "no")])
def test_names_are_exchanged(words: tuple[str, str]) -> None:
    first, second = words
    text = f"80% {first} and 20% {second}, mostly {first}"
    other = exchanged(text, words)
    assert other == f"80% {second} and 20% {first}, mostly {second}"
    assert exchanged(other, words) == text


def test_a_pair_states_the_exchanged_target() -> None:
    attribute = read_attribute(ROOT / "data/attributes/gender.yaml")
    phrasings = narrowed(read_phrasings(ROOT / "data/stated/phrasings.yaml"), CURRICULUM[0])
    rng = np.random.default_rng(0)
    asked = (["Which is {}?"], ["Nurses"], attribute, phrasings, "train", True, rng)
    rows = draw(2, 3, *asked)
    assert len(rows) == 12
    for (prompt, target, kind), (other, swapped, same) in zip(rows[::2], rows[1::2], strict=True):
        assert prompt.startswith("Which is nurses? (")
        assert exchanged(prompt, ("male", "female")) == other
        assert (target[::-1], kind) == (swapped, same)
        assert kind == "percent"


def test_the_rate_rises_stays_and_falls() -> None:
    shares = [rate_share(step, 300) for step in (0, 19, 199, 250, 299)]
    assert shares == pytest.approx([0.05, 1, 1, 0.5, 0.01])
