"""Formulas against counts made by hand, and against published sizes."""

import pytest
import yaml

from distalign.machine.precision import Precision
from distalign.planning.cost import (
    Lengths,
    Retained,
    Shape,
    forward_operations,
    reference_operations,
    sampling_memory,
    step_operations,
    training_memory,
    tree,
)
from tests.support.paths import ROOT

# One block: q 4x4, k and v 4x2, o 4x4, gate and up 4x3, down 3x4 = 84 weights.
TINY = Shape(
    num_hidden_layers=2,
    hidden_size=4,
    num_attention_heads=2,
    num_key_value_heads=1,
    head_dim=2,
    intermediate_size=3,
    vocab_size=10,
    tie_word_embeddings=True,
)
LENGTHS = Lengths(header=5, prompt=3, response=2)
RETAINED = Retained(rows=2, prompt=4, answer=3)


def test_weights_are_counted() -> None:
    assert TINY.body == 2 * 84
    assert TINY.head == 40
    assert TINY.weights == 208
    assert TINY.model_copy(update={"tie_word_embeddings": False}).weights == 248
    # Rank 1 adds i + o a layer: q 8, k 6, v 6, o 8, gate 7, up 7, down 7.
    assert TINY.adapter(1) == 2 * 49
    assert TINY.adapter(3) == 6 * 49


@pytest.mark.parametrize(
    ("model", "millions"),
    [
        ("smollm2-135m", 134.5),
        ("qwen2_5-1_5b", 1543.7),
        ("qwen2_5-7b", 7615.6),
        ("llama-3_2-1b", 1235.8),
        ("llama-3_1-8b", 8030.3),
    ],
)
def test_models_have_their_published_sizes(model: str, millions: float) -> None:
    shapes = yaml.safe_load((ROOT / "data/rates.yaml").read_text(encoding="utf-8"))["shapes"]
    assert Shape(**shapes[model]).weights / 1e6 == pytest.approx(millions, rel=1e-3)


@pytest.mark.parametrize(
    ("objective", "tokens", "predicted", "mismatched"),
    [
        ("ift", 5 + 4 * 3 + 4 * 2, 8, (0, 0)),
        ("dpo", 5 + 4 * 3 + 8 * 2, 16, (0, 0)),
        ("kto", 5 + 2 * 3 + 4 * 2, 8, (4, 2)),
    ],
)
def test_a_tree_holds_everything_once(
    objective: str, tokens: float, predicted: float, mismatched: tuple[float, float]
) -> None:
    work = tree(objective, 4, LENGTHS)
    assert (work.tokens, work.predicted, work.mismatched) == (tokens, predicted, mismatched)


def test_ordinary_requests_are_in_the_tree_and_read_by_the_base_model() -> None:
    # Two requests of 4 + 3 tokens, 3 of them predicted; the base model has a header of its own.
    work = tree("kto", 4, LENGTHS, RETAINED)
    assert (work.tokens, work.predicted, work.mismatched) == (19 + 14, 8 + 6, (4, 2))
    assert work.base == (5 + 14, 6)
    assert tree("ift", 4, LENGTHS, RETAINED).tokens == 25 + 14
    none = RETAINED.model_copy(update={"rows": 0})
    assert tree("ift", 4, LENGTHS, none) == tree("ift", 4, LENGTHS)
    # Forward and backward of the tree, the mismatched tokens, and 19 tokens without an adapter.
    by_hand = 4 * 33 * 266 + 2 * 33 * 98 + 4 * 14 * 40 + 2 * 4 * 266 + 2 * 2 * 40
    by_hand += 2 * 19 * 168 + 2 * 6 * 40
    assert step_operations(TINY, 1, work) == by_hand


def test_prompts_without_a_text_add_their_own_tokens_and_one_prediction_each() -> None:
    alone, beside = tree("kto", 4, LENGTHS), tree("kto", 4, LENGTHS, asked=3)
    assert beside.tokens == alone.tokens + 3 * LENGTHS.prompt
    assert beside.predicted == alone.predicted + 3
    held = tree("kto", 4, LENGTHS, RETAINED, asked=3)
    assert held.predicted - tree("kto", 4, LENGTHS, RETAINED).predicted == 3


def test_operations_of_a_step() -> None:
    assert forward_operations(TINY, 0, 7, 3) == 2 * 7 * 168 + 2 * 3 * 40
    assert forward_operations(TINY, 1, 7, 3) == 2 * 7 * 266 + 2 * 3 * 40
    # 19 tokens through 168 + 98 weights forward and backward, the adapter's gradient, the head
    # at 8 positions both ways; 4 mismatched tokens forward alone, predicted at 4 - 2 positions.
    by_hand = 4 * 19 * 266 + 2 * 19 * 98 + 4 * 8 * 40 + 2 * 4 * 266 + 2 * 2 * 40
    assert step_operations(TINY, 1, tree("kto", 4, LENGTHS)) == by_hand
    assert step_operations(TINY, 1, tree("ift", 4, LENGTHS)) == 4 * 25 * 266 + 2 * 25 * 98 + 1280


def test_a_backward_pass_ends_with_the_adapted_layers() -> None:
    half = TINY.model_copy(update={"adapted": 0.5})
    assert half.adapter(1) == 49
    # 25 tokens: forward through 168 + 49 weights, back through 84, the adapter's twice; the head.
    by_hand = 2 * 25 * (168 + 49) + 2 * 25 * (84 + 2 * 49) + 4 * 8 * 40
    assert step_operations(half, 1, tree("ift", 4, LENGTHS)) == by_hand


def test_the_reference_is_computed_once_a_row() -> None:
    # 32 pairs: 5 + 96 + 128 tokens, 128 positions.
    once = 2 * 229 * 266 + 2 * 128 * 40
    assert reference_operations(TINY, 1, "dpo", 64, LENGTHS) == 2 * once
    assert reference_operations(TINY, 1, "ift", 64, LENGTHS) == 0
    # 32 texts of 16 pairs: 5 + 48 + 64 tokens, 64 positions, and half as many mismatched.
    once = 2 * 117 * 266 + 2 * 64 * 40 + 2 * 32 * 266 + 2 * 16 * 40
    assert reference_operations(TINY, 1, "kto", 96, LENGTHS) == 3 * once


@pytest.mark.parametrize(("precision", "width"), [("bfloat16", 2), ("float32", 4)])
def test_memory(precision: Precision, width: int) -> None:
    # Per token and block: 49 + 2 * 4 + 2 * 3 = 63 numbers. The adapter is in float32, five times.
    by_hand = 208 * width + 98 * 20 + 19 * 2 * 63 * width + 8 * 10 * (width + 8)
    assert training_memory(TINY, 1, tree("kto", 4, LENGTHS), precision) == by_hand
    # 14 more tokens, 6 more positions with a gradient, and 6 of the base model's without.
    more = 14 * 2 * 63 * width + 6 * 10 * (width + 8) + 6 * 10 * (width + 4)
    held = training_memory(TINY, 1, tree("kto", 4, LENGTHS, RETAINED), precision)
    assert held == by_hand + more
    # Keys and values: 2 blocks x 1 head x 2 wide, twice = 8 numbers a token.
    assert sampling_memory(TINY, 6, 10, precision) == 208 * width + 60 * 8 * width
