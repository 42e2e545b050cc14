"""Verbalized rejection sampling with models whose every decision is known."""

import re
from collections.abc import Sequence

import numpy as np
import pytest

from distalign.judging.words import read_category
from distalign.records.schemas import Context, DatasetSpec
from distalign.sampling.prompts import Planned
from distalign.sampling.rejection import draw_accepted, expected_tries


def plan_of(context: str, n: int) -> list[Planned]:
    return [(context, number, f"Wording {number}: who?") for number in range(n)]


class Oracle:
    """A model that accepts male and female with the probabilities it is given."""

    def __init__(self, male: float, female: float) -> None:
        self._chance = {"male": male, "female": female}
        self._rng = np.random.default_rng(1)
        self.asked: list[int] = []

    def __call__(self, turns: Sequence[str]) -> list[str]:
        self.asked.append(len(turns))
        proposed = [re.search(r"It has proposed: (\w+)\.", turn)[1] for turn in turns]
        kept = [self._rng.random() < self._chance[word] for word in proposed]
        return ["Decision: accept" if yes else "Decision: reject" for yes in kept]


def test_a_perfect_decision_has_the_target_as_its_law(spec: DatasetSpec) -> None:
    # Caretakers: 71.5 % male. Proposals are even, M = 1.43: accept 0.715 / (1.43 x 0.5) = 1 of
    # the male ones, and 0.285 / (1.43 x 0.5) = 0.3986 of the female ones.
    oracle = Oracle(1.0, 0.3986)
    rows = draw_accepted(oracle, plan_of("Caretakers", 4000), spec, 30, np.random.default_rng(0))
    texts = [row.text for row in rows]
    assert set(texts) == {"male", "female"}
    assert texts.count("male") / 4000 == pytest.approx(0.715, abs=0.02)  # 3 standard errors
    # Of each batch 1 / M = 0.699 are accepted, and the others alone are asked again.
    assert oracle.asked[0] == 4000
    assert oracle.asked[1] == pytest.approx(4000 * 0.301, abs=90)
    assert sum(oracle.asked) / 4000 == pytest.approx(1.43, abs=0.04)


def test_a_round_keeps_its_tries_and_the_accepted_word(spec: DatasetSpec) -> None:
    decisions = iter([["Hm.", "Decision: accept"], [" Decision: reject\n"], ["Decision: accept"]])
    rows = draw_accepted(
        lambda _: next(decisions), plan_of("Caretakers", 2), spec, 5, np.random.default_rng(0)
    )
    first, second = (row.raw.splitlines() for row in rows)
    assert [line.partition(",")[0] for line in first] == ["Try 1", "Try 2", "Try 3"]
    assert first[0].endswith(": Hm.")
    assert first[2] == f"Try 3, {rows[0].text}: Decision: accept"
    assert second == [f"Try 1, {rows[1].text}: Decision: accept"]
    assert (rows[1].context, rows[1].round, rows[1].prompt) == (
        "Caretakers",
        1,
        "Wording 1: who?",
    )
    assert all(read_category(row.text, spec.attribute) for row in rows)


def test_without_an_accepted_proposal_a_round_is_invalid(spec: DatasetSpec) -> None:
    oracle = Oracle(0.0, 0.0)
    rows = draw_accepted(oracle, plan_of("Caretakers", 3), spec, 4, np.random.default_rng(0))
    assert oracle.asked == [3, 3, 3, 3]
    for row in rows:
        assert row.text == ""
        assert len(row.raw.splitlines()) == 4
        assert read_category(row.text, spec.attribute) is None


def test_a_higher_bound_changes_no_try_before(spec: DatasetSpec) -> None:
    few, many = (
        draw_accepted(
            Oracle(0.2, 0.2), plan_of("Caretakers", 50), spec, bound, np.random.default_rng(0)
        )
        for bound in (2, 10)
    )
    assert any(row.text == "" for row in few)
    for short, long in zip(few, many, strict=True):
        assert long.raw.startswith(short.raw)
        assert short.text in ("", long.text)


@pytest.mark.parametrize("kind", ["real", "even", "stated"])
def test_every_kind_of_target_is_stated(spec: DatasetSpec, kind: str) -> None:
    context = Context(name="a baker, 20% male", about="a baker", target=[0.2, 0.8])
    own = spec.model_copy(update={"target": kind, "contexts": [context]})
    seen: list[str] = []

    def accept(turns: Sequence[str]) -> list[str]:
        seen.extend(turns)
        return ["Decision: accept"] * len(turns)

    row = (context.name, 0, "What is the gender of a baker? (20% male)")
    draw_accepted(accept, [row], own, 2, np.random.default_rng(0))
    assert seen[0].startswith("What is the gender of a baker? (20% male) ")
    assert "Wanted over many answers: 20% are male, 80% are female." in seen[0]


def test_tries_that_are_expected() -> None:
    assert expected_tries([0.5, 0.5], 20) == 1  # all are accepted
    assert expected_tries([1.0, 0.0], 1) == 1
    assert expected_tries([1.0, 0.0], 3) == 1 + 1 / 2 + 1 / 4
    assert expected_tries([0.6, 0.2, 0.2], 1000) == pytest.approx(1.8)
