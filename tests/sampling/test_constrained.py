"""Constrained decoding on a model whose every probability is known."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from distalign.engines.engine import Continuation, Decoding, FirstToken
from distalign.records.schemas import Attribute
from distalign.sampling.constrained import allowed_answers, draw_answers

END = 9
# "1", "1 2" and "1 2 5 6", "3 4".
BRANCHES = {
    (): [1, 3],
    (1,): [2, END],
    (1, 2): [5, END],
    (1, 2, 5): [6],
    (1, 2, 5, 6): [END],
    (3,): [4],
    (3, 4): [END],
}
ANSWERS = [[1], [1, 2], [1, 2, 5, 6], [3, 4]]


class Table:
    """An engine whose tokens have probabilities in proportion to their numbers, always."""

    def generate(
        self, prompts: Sequence[list[int]], decoding: Decoding, seed: int, first: FirstToken
    ) -> list[Continuation]:
        assert decoding.max_tokens == 1
        assert first.draw is None
        logps = np.log([token / 45 for token in first.ids])
        return [Continuation([7], logps) for _ in prompts]


def drawn(temperature: float, n: int = 4000) -> Counter[tuple[int, ...]]:
    rows = draw_answers(
        Table(),
        [[0]] * n,
        BRANCHES,
        END,
        Decoding(temperature, 1.0, 0, 40),
        np.random.default_rng(0),
    )
    assert all(row.logps is None for row in rows)
    return Counter(tuple(row.token_ids) for row in rows)


def test_answers_follow_the_probabilities_of_allowed_tokens() -> None:
    found = drawn(1.0)
    # 1 or 3; after 1, 2 or the end; after 1 2, 5 or the end.
    expected = [1 / 4 * 9 / 11, 1 / 4 * 2 / 11 * 9 / 14, 1 / 4 * 2 / 11 * 5 / 14, 3 / 4]
    assert [found[tuple(a)] / 4000 for a in ANSWERS] == pytest.approx(expected, abs=0.03)
    assert sum(found.values()) == sum(found[tuple(a)] for a in ANSWERS)


def test_temperature_0_takes_the_likeliest() -> None:
    assert drawn(0.0, 5) == {(3, 4): 5}


def test_answers_are_the_first_words(gender: Attribute, race: Attribute) -> None:
    assert allowed_answers(gender) == ["male", "Male", "female", "Female"]
    assert "American Indian" in allowed_answers(race)
