"""What is measured of a decoder's blocks, against a decoder."""

from collections.abc import Iterator

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from distalign.machine.precision import Precision, native_bfloat16, torch_dtype
from distalign.planning.cost import Lengths, Retained, Shape, step_operations, tree
from distalign.planning.rates import READ, ROWS, Block, mean_seconds, measure, python_seconds

SHAPE = Shape(
    num_hidden_layers=4,
    hidden_size=256,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=64,
    intermediate_size=768,
    vocab_size=1024,
    tie_word_embeddings=True,
)
LENGTHS = Lengths(header=24, prompt=23, response=19.4)
RETAINED = Retained(rows=4, prompt=20, answer=8)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other make a busy machine seem slower still."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def model_seconds(precision: Precision) -> float:
    """Of a real model, for a token that it reads."""
    config = LlamaConfig(**SHAPE.model_dump())
    model, length = LlamaForCausalLM(config).to(torch_dtype(precision)).eval(), 47
    ids = torch.zeros(READ // length, length, dtype=torch.long)
    with torch.no_grad():
        return mean_seconds(lambda: model.model(ids)) / ids.numel()


@pytest.mark.heavy  # measures the processor
def test_a_model_is_about_as_fast_as_its_blocks() -> None:
    precision = "bfloat16" if native_bfloat16() else "float32"
    measured = measure(SHAPE, 8, LENGTHS, RETAINED, precision)
    assert 1 / 4 < model_seconds(precision) * measured.prefill < 4
    for objective, rows in ROWS.items():
        step = measured.steps[objective]
        assert step.rows == rows
        # Reading does two operations a token and weight, and without narrow products or backward.
        work = tree(objective, rows, LENGTHS, RETAINED)
        rate = step_operations(SHAPE, 8, work) / step.seconds
        assert 1 / 20 < rate / (measured.prefill * 2 * SHAPE.body) < 4
    assert 1 / 8 < measured.forward / measured.prefill < 4
    assert 1 / 20 < measured.decode / measured.prefill < 4


def test_a_block_is_run_whole_and_its_adapters_learn() -> None:
    block, x = Block(SHAPE, 8, torch.float32), torch.randn(12, 256)
    y = block.run(x, groups=3, keys=6)
    assert y.shape == x.shape
    assert y.isfinite().all()
    y.sum().backward()
    weights = [weight for pair in block.adapters for weight in pair]
    assert len(weights) == 2 * len(SHAPE.products)
    assert all(weight.grad.abs().sum() > 0 for weight in weights)
    assert not Block(SHAPE, 0, torch.float32).run(x, groups=3, keys=6).requires_grad


def test_pythons_own_pace_is_some_milliseconds() -> None:
    assert 0.001 < python_seconds() < 2
