"""The one call behind which engines lie: continue token prompts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

EngineName = Literal["auto", "vllm", "transformers"]
"""auto: vLLM on a GPU, transformers on a CPU, where it is the faster one (docs/speed.md)."""


@dataclass(frozen=True)
class Decoding:
    """How a response is decoded; top_k = 0 and top_p = 1 are off."""

    temperature: float
    top_p: float
    top_k: int
    max_tokens: int


@dataclass(frozen=True)
class FirstToken:
    """What is wanted at the first token of every response.

    Attributes:
        ids: tokens whose log-probabilities are returned.
        draw: called once a prompt, in any order, with the prompt's index and the
            log-probabilities (K,); the response then starts with the token at the place that it
            returns. None leaves the first token to the model. An engine of several processes
            calls it in each, so it has no state.
    """

    ids: list[int]
    draw: Callable[[int, np.ndarray], int] | None


@dataclass(frozen=True)
class Continuation:
    """A response's tokens without the one that ended it, and what was seen of its first.

    `logps` are log P_θ(token|prompt) over the whole vocabulary at the wanted tokens, (K,). In
    whatever precision the model runs, the product of its last hidden state with those tokens'
    rows of the head is float32.
    """

    token_ids: list[int]
    logps: np.ndarray | None


class Engine(Protocol):
    def generate(
        self,
        prompts: Sequence[list[int]],
        decoding: Decoding,
        seed: int,
        first: FirstToken | None = None,
    ) -> list[Continuation]:
        """One continuation a prompt. Same arguments, same result."""
