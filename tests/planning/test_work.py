"""The work of answering requests and of comparing a policy with its base model: by hand."""

import pytest

from distalign.data.requests import RequestsParams
from distalign.planning.cost import Tree, training_memory
from distalign.planning.work import RequestLengths, answering, comparison
from tests.planning.test_cost import TINY

PARAMS = RequestsParams(
    seed=0,
    engine="auto",
    written={"train": 4, "validation": 0, "test": 2},
    own={"train": 2, "validation": 0, "test": 1},
    near_misses={"train": 3, "validation": 0, "test": 2},
    groups=[],
    max_tokens={"train": 8, "validation": 8, "test": 32},
)
LENGTHS = RequestLengths(prompt=3, own=6, texts=10)


def test_requests_are_answered_up_to_the_limit_of_their_split() -> None:
    asked = [PARAMS.written, PARAMS.own]
    work = answering(TINY, "bfloat16", 4, 5, LENGTHS, PARAMS, asked, own=3)
    # Nine prompts of 5 + 3 tokens; five requests are drawn for the three of the model's own.
    assert work.read == 72
    assert work.written == 5 * 6 + 6 * 8 + 3 * 32
    assert work.prefilled == 2 * 72 * 168
    assert work.decoded == 2 * 174 * (168 + 40)
    # Weights, and keys and values of 4 sequences of 5 + 3 + 32 tokens, 8 numbers a token.
    assert work.memory == 2 * (208 + 4 * 40 * 8)
    near = answering(TINY, "bfloat16", 4, 5, LENGTHS, PARAMS, [PARAMS.near_misses], own=0)
    assert (near.read, near.written) == (40, 3 * 8 + 2 * 32)


def test_a_policy_and_its_base_model_read_every_answer() -> None:
    work = comparison(TINY, 1, "bfloat16", 5, LENGTHS, PARAMS)
    # Five requests of 3 + 32 tokens with a header for 16 of them, and the texts.
    tokens, predicted = 5 * (5 / 16 + 35) + 10, 5 * 32 + 10
    by_hand = 2 * tokens * (266 + 168) + 2 * 2 * predicted * 40
    assert work.forward == work.operations == pytest.approx(by_hand)
    assert work.read == pytest.approx(2 * tokens)
    batch = Tree(5 + 16 * 35, 16 * 32)
    assert work.memory == training_memory(TINY, 1, batch, "bfloat16")
