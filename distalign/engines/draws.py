"""Tokens drawn from logits, by inversion."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from distalign.engines.engine import Decoding

BLOCK = 256
"""Items of the vocabulary whose probabilities are summed at once."""


def draw(logits: Tensor, decoding: Decoding, rng: np.random.Generator) -> Tensor:
    """A token a row, (B,), from logits (B, V): by inversion, one uniform number each."""
    if decoding.temperature == 0:
        return logits.argmax(-1)
    warpers = LogitsProcessorList()
    if decoding.temperature != 1:
        warpers.append(TemperatureLogitsWarper(decoding.temperature))
    if decoding.top_k:
        warpers.append(TopKLogitsWarper(decoding.top_k))
    if decoding.top_p < 1:
        warpers.append(TopPLogitsWarper(decoding.top_p))
    uniforms = torch.from_numpy(rng.random((len(logits), 1))).to(logits.device)
    return invert(warpers(None, logits).softmax(-1), uniforms)


def invert(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    """The first item of each row (B, V) whose cumulative sum lies above its number (B, 1).

    It is never one of no probability.

    First over blocks and then within one, each by a cumulative sum in float64: over the whole
    vocabulary it would take longer. A block itself is summed in float32, which errs by less than
    a millionth of its probability.
    """
    blocks = F.pad(probabilities, (0, -probabilities.shape[1] % BLOCK)).unflatten(1, (-1, BLOCK))
    sums = blocks.sum(-1).cumsum(-1, dtype=torch.float64)
    wanted = uniforms * sums[:, -1:]
    block = torch.searchsorted(sums, wanted, right=True)
    before = F.pad(sums, (1, 0)).gather(1, block)
    items = blocks[torch.arange(len(blocks), device=blocks.device), block[:, 0]]
    inner = items.cumsum(-1, dtype=torch.float64)
    # Rounding may put the number at the block's end, where no sum lies above it.
    rest = torch.minimum(wanted - before, torch.nextafter(inner[:, -1:], inner.new_zeros(1)))
    return (block * BLOCK + torch.searchsorted(inner, rest, right=True))[:, 0]
