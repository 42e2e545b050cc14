"""Constrained decoding on a model whose every probability is known."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from distalign.engines.engine import Continuation, Decoding, FirstToken
from distalign.models.chat import chat_ids, turns
from distalign.models.template import settle
from distalign.records.schemas import Attribute
from distalign.sampling.constrained import allowed_answers, answer_branches, draw_answers
from tests.support.families import BYTE_LEVEL, SENTENCEPIECE, TEMPLATES, make_tokenizer

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


@pytest.mark.parametrize("kind", [BYTE_LEVEL, SENTENCEPIECE])
@pytest.mark.parametrize("template", ["chatml", "gemma2", "mistral", "zephyr", "glm4"])
def test_the_tree_holds_the_tokens_of_an_answer_in_its_turn(kind: str, template: str) -> None:
    """SentencePiece marks a space before a word alone, and none after a line break."""
    tokenizer = make_tokenizer(kind, TEMPLATES[template])
    tokenizer.add_tokens(["<end_of_turn>", "<|im_end|>"], special_tokens=True)
    settle(tokenizer, {})
    answers = ["male", "Male", "she is a woman", "she"]
    branches = answer_branches(answers, tokenizer)
    for answer in answers:
        asked = chat_ids(tokenizer, "Who?")
        turn = tokenizer.apply_chat_template(turns("Who?", answer), return_dict=True)["input_ids"]
        ids, written = [*turn[len(asked) :], tokenizer.eos_token_id], ()
        while ids[len(written)] != tokenizer.eos_token_id:
            assert ids[len(written)] in branches[written]
            written += (ids[len(written)],)
        assert tokenizer.eos_token_id in branches[written]
        assert tokenizer.decode(written).strip() == answer
