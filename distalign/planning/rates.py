"""How fast this processor does the pipeline's work: seconds of a decoder's block, timed in a few.

A block of random weights is run as training runs it (the tree of a step, an adapter beside each
linear layer, backward) and as sampling does (many prompts at once, or one token of each sequence);
then the output layer. A model is as many blocks. What the real work takes beside, or vLLM's
kernels spare, is a factor that was calibrated once (data/rates.yaml).
"""

import inspect
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from distalign.machine.precision import Precision, torch_dtype
from distalign.models.adapted import adapted
from distalign.planning.cost import Lengths, Retained, Shape, tree
from distalign.planning.hardware import MeasuredRates, MeasuredStep

ROWS: dict[Literal["ift", "kto"], int] = {"ift": 8, "kto": 16}
"""Sequences of a step."""
READ, WRITTEN = 2048, 128
"""Tokens that are read at once, and sequences that write at once (distalign/engines)."""
FORWARD = 1024
"""Tokens of a tree without a backward pass."""
LEAST, BUDGET_S = 3, 0.5
"""Times that something is run, and for how long."""


def mean_seconds(run: Callable[[], object]) -> float:
    """Of some runs, after one that allocates. The work itself is a sum too: no best of them."""
    run()
    start, times = time.perf_counter(), 0
    while times < LEAST or time.perf_counter() - start < BUDGET_S:
        run()
        times += 1
    return (time.perf_counter() - start) / times


def python_seconds() -> float:
    """Of a piece of Python's own work, as a process does most of while it starts."""
    text = Path(inspect.__file__).read_text(encoding="utf-8")
    return mean_seconds(lambda: compile(text, "inspect.py", "exec"))


def random(rows: int, columns: int) -> Tensor:
    """As weights are: what all numbers alike lead to, too small to be normal, is slow."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(rows, columns, generator=generator) * columns**-0.5


class Block:
    """A decoder's block with random weights.

    Args:
        rank: of the adapters; 0 for none.
    """

    def __init__(self, shape: Shape, rank: int, dtype: torch.dtype) -> None:
        self._shape, self._dtype = shape, dtype
        self._scale = torch.ones(shape.hidden_size, dtype=dtype)
        self._turn = torch.full((shape.head_dim,), 0.7, dtype=dtype)
        self._weights = [random(o, i).to(dtype) for i, o in shape.products]
        self.adapters = [
            (random(rank, i).requires_grad_(), random(o, rank).requires_grad_())
            for i, o in shape.products
            if rank
        ]

    def run(self, x: Tensor, groups: int, keys: int) -> Tensor:
        """(T, H) -> (T, H); T tokens in equal groups, each of which attends to so many keys."""
        shape, tokens = self._shape, len(x)
        heads, kv_heads, width = (
            shape.num_attention_heads,
            shape.num_key_value_heads,
            shape.head_dim,
        )
        h = self._norm(x)
        query = self._rotate(self._linear(0, h).view(tokens, heads, width))
        key = self._rotate(self._linear(1, h).view(tokens, kv_heads, width))
        value = self._linear(2, h).view(tokens, kv_heads, width)
        seen = torch.arange(groups * keys) % tokens
        key = key[seen].view(groups, keys, kv_heads, width).permute(0, 2, 3, 1)
        value = value[seen].view(groups, keys, kv_heads, width).transpose(1, 2)
        grouped = query.view(groups, -1, kv_heads, heads // kv_heads, width)
        grouped = grouped.permute(0, 2, 3, 1, 4).reshape(groups, kv_heads, -1, width)
        weights = ((grouped @ key).float() * width**-0.5).softmax(-1).to(self._dtype)
        mixed = (weights @ value).view(groups, heads, -1, width).transpose(1, 2)
        x = x + self._linear(3, mixed.reshape(tokens, heads * width))
        h = self._norm(x)
        return x + self._linear(6, F.silu(self._linear(4, h)) * self._linear(5, h))

    def train(self, x: Tensor, groups: int, keys: int) -> None:
        """Forward and backward, with gradients of the activations and of the adapters."""
        x = x.clone().requires_grad_()
        self.run(x, groups, keys).backward(x.detach())
        for pair in self.adapters:
            for weight in pair:
                weight.grad = None

    def look(self, x: Tensor, groups: int, keys: int) -> None:
        """Forward alone."""
        with torch.no_grad():
            self.run(x, groups, keys)

    def _linear(self, place: int, x: Tensor) -> Tensor:
        if not self.adapters:
            return F.linear(x, self._weights[place])
        return adapted(x, self._weights[place], None, *self.adapters[place], 4.0)

    def _norm(self, x: Tensor) -> Tensor:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-5)
        return self._scale * wide.to(x.dtype)

    def _rotate(self, x: Tensor) -> Tensor:
        half = x.shape[-1] // 2
        return x * self._turn + torch.cat((-x[..., half:], x[..., :half]), -1) * self._turn


def measure(
    shape: Shape, rank: int, lengths: Lengths, retained: Retained, precision: Precision
) -> MeasuredRates:
    """Rates of a model's blocks and output layer, on the threads that torch has.

    Args:
        retained: ordinary requests of a training step.
    """
    dtype = torch_dtype(precision)
    adapted, plain = Block(shape, rank, dtype), Block(shape, 0, dtype)
    head = torch.full((shape.vocab_size, shape.hidden_size), shape.hidden_size**-0.5, dtype=dtype)

    def states(tokens: int) -> Tensor:
        return random(tokens, shape.hidden_size).to(dtype)

    def predict(n: int, trained: bool) -> float:
        hidden = states(n).requires_grad_(trained)

        def run() -> None:
            value = (hidden @ head.T).float().logsumexp(-1)
            if trained:
                value.sum().backward()

        return mean_seconds(run)

    def forward(block: Block, tokens: int, groups: int, keys: int) -> float:
        x = states(tokens // groups * groups)
        return shape.num_hidden_layers * mean_seconds(lambda: block.look(x, groups, keys))

    def step(objective: Literal["ift", "kto"]) -> MeasuredStep:
        rows = ROWS[objective]
        work, requests = tree(objective, rows, lengths, retained), round(retained.rows)
        prompts = (rows // 2 if objective == "kto" else rows) + requests
        own = round(work.tokens) // prompts
        x = states(own * prompts)
        keys = round(lengths.header) + own
        block = mean_seconds(lambda: adapted.train(x, prompts, keys))
        seconds = shape.num_hidden_layers * block + predict(round(work.predicted), trained=True)
        tokens, completions = map(round, work.mismatched)
        if completions:
            seconds += forward(adapted, tokens, completions, keys)
            seconds += predict(tokens - completions, trained=False)
        tokens, predicted = map(round, work.base)
        if requests:
            seconds += forward(plain, tokens, requests, tokens // requests)
            seconds += predict(predicted, trained=False)
        return MeasuredStep(rows=rows, seconds=seconds)

    length = round(lengths.header + lengths.prompt)
    read = forward(plain, READ, READ // length, length)
    written = forward(plain, WRITTEN, WRITTEN, length) + predict(WRITTEN, trained=False)
    return MeasuredRates(
        steps={objective: step(objective) for objective in ROWS},
        forward=FORWARD / forward(adapted, FORWARD, FORWARD // length, length),
        prefill=READ / read,
        decode=WRITTEN / written,
    )
