"""Tokens, operations and memory of training and sampling a decoder, by formula.

Operations are those of matrix products, two for a multiplication and its addition. Attention's
own products are left out: they grow with the square of the length, and at the lengths here they
are below a twentieth of the rest (Hoffmann et al. 2022, appendix F, count them in).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from distalign.machine.precision import BYTES, Precision
from distalign.models.policy import n_adapted
from distalign.records.schemas import Record

Objective = Literal["ift", "dpo", "kto"]
FP32 = BYTES["float32"]
# TRL's KTOTrainer and DPOTrainer are told to compute the reference so many rows at a time.
REFERENCE_ROWS = 32


class Shape(Record):
    """Sizes of a decoder with grouped key-value heads and a gated MLP, as its config.json."""

    num_hidden_layers: int
    hidden_size: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    intermediate_size: int
    vocab_size: int
    tie_word_embeddings: bool
    adapted: float = 1.0
    """Share of the layers, from the last, that an adapter is on; a backward pass ends with them."""

    @property
    def products(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of the linear layers of one block: q, k, v, o, gate, up, down."""
        hidden, wide = self.hidden_size, self.intermediate_size
        queries = self.num_attention_heads * self.head_dim
        keys = self.num_key_value_heads * self.head_dim
        attention = [(hidden, queries), (hidden, keys), (hidden, keys), (queries, hidden)]
        return [*attention, (hidden, wide), (hidden, wide), (wide, hidden)]

    @property
    def body(self) -> int:
        """Weights of all blocks' linear layers."""
        return self.num_hidden_layers * sum(i * o for i, o in self.products)

    @property
    def head(self) -> int:
        """Weights of the output layer."""
        return self.hidden_size * self.vocab_size

    @property
    def weights(self) -> int:
        """All weights but those of norms and biases."""
        return self.body + self.head * (1 if self.tie_word_embeddings else 2)

    def adapter(self, rank: int) -> int:
        """Weights of a LoRA adapter on the linear layers of the adapted blocks (Hu et al. 2022)."""
        return self.adapted_layers * sum(rank * (i + o) for i, o in self.products)

    @property
    def adapted_layers(self) -> int:
        return n_adapted(self.adapted, self.num_hidden_layers)


class Lengths(Record):
    """Mean numbers of tokens."""

    header: float
    """What all prompts begin with: the chat template's system turn."""
    prompt: float
    """The rest of the prompt."""
    response: float
    """A written response with its steering token and its end."""


def mean_lengths(lengths: Sequence[Lengths]) -> Lengths:
    """Over settings that share the rows equally."""
    names = Lengths.model_fields
    return Lengths(**{n: sum(getattr(one, n) for one in lengths) / len(lengths) for n in names})


class Retained(Record):
    """Ordinary requests of a training step, with the base model's answers."""

    rows: float
    prompt: float
    """Mean own tokens of a prompt, after the header."""
    answer: float
    """Tokens of an answer."""


@dataclass(frozen=True)
class Tree:
    """A batch as it is run: header, prompts and completions once each (distalign.models.packing).

    Attributes:
        tokens: of the tree, those of ordinary requests among them.
        predicted: positions whose logits are computed, one a completion token.
        mismatched: completion tokens that are run again for z_0, and of how many completions.
        base: tokens of the ordinary requests, which the base model reads as well, and positions
            of them whose logits it computes.
    """

    tokens: float
    predicted: float
    mismatched: tuple[float, float] = (0, 0)
    base: tuple[float, float] = (0, 0)


def tree(
    objective: Objective,
    batch: int,
    lengths: Lengths,
    retained: Retained | None = None,
    asked: float = 0,
) -> Tree:
    """The tree of a step.

    Args:
        batch: rows as the trainer counts them: texts in IFT and KTO, pairs in DPO. The two
            texts of a pair share their prompt.
        retained: ordinary requests beside them; None for none.
        asked: prompts beside them, without a text.
    """
    prompts = batch / 2 if objective == "kto" else batch
    completions = 2 * batch if objective == "dpo" else batch
    answered = completions * lengths.response
    tokens = lengths.header + (prompts + asked) * lengths.prompt + answered
    # A mismatched response for each y_w.
    mismatched = (answered / 2, completions / 2) if objective == "kto" else (0, 0)
    if retained is None or not retained.rows:
        return Tree(tokens, answered + asked, mismatched)
    held = retained.rows * retained.answer
    beside = retained.rows * retained.prompt + held
    predicted = answered + asked + held
    return Tree(tokens + beside, predicted, mismatched, (lengths.header + beside, held))


def forward_operations(shape: Shape, rank: int, tokens: float, predicted: float) -> float:
    """2 a token and weight: Kaplan et al. 2020, section 2.1; the head where it predicts.

    Args:
        rank: of the adapter that is not merged; 0 without one.
    """
    return 2 * tokens * (shape.body + shape.adapter(rank)) + 2 * predicted * shape.head


def step_operations(shape: Shape, rank: int, work: Tree) -> float:
    """A training step: forward, backward, and what has no backward: the mismatched responses, and
    the base model on the ordinary requests.

    Backward costs 2 a token and weight of the adapted layers and the head for the gradient of the
    activations, and 2 more for that of the weights, which the adapter's alone have. The formula of
    benchmarks/training_step.py.
    """
    forward = forward_operations(shape, rank, work.tokens, work.predicted)
    body = shape.body * shape.adapted_layers // shape.num_hidden_layers
    backward = 2 * work.tokens * (body + 2 * shape.adapter(rank)) + 2 * work.predicted * shape.head
    beside = mismatched_operations(shape, rank, work) + forward_operations(shape, 0, *work.base)
    return forward + backward + beside


def mismatched_operations(shape: Shape, rank: int, work: Tree) -> float:
    """Forward of the mismatched responses on the prompts' keys and values; the first token of
    each needs no position of its own.
    """
    tokens, completions = work.mismatched
    return forward_operations(shape, rank, tokens, tokens - completions)


def reference_operations(
    shape: Shape, rank: int, objective: Objective, rows: int, lengths: Lengths
) -> float:
    """The reference's log-probabilities of all rows, once before training; none for IFT."""
    if objective == "ift":
        return 0.0
    work = tree(objective, REFERENCE_ROWS, lengths)
    once = forward_operations(shape, rank, work.tokens, work.predicted)
    return rows / REFERENCE_ROWS * (once + mismatched_operations(shape, rank, work))


def training_memory(shape: Shape, rank: int, work: Tree, precision: Precision) -> float:
    """Bytes of a training step on one GPU, or on the CPU.

    Weights in the precision. The adapter in float32 with its gradient and the two moments of Adam,
    and the reference's copy of it. Activations that backward needs, in the precision, without
    checkpointing: for each token and adapted block, inputs and outputs of the linear layers, two
    norms' inputs, and what the gate's activation and product keep. Logits in the precision, and
    their softmax and its gradient in float32; the base model's logits without a gradient.
    """
    width = BYTES[precision]
    kept = sum(i + o for i, o in shape.products) + 2 * shape.hidden_size
    kept += 2 * shape.intermediate_size
    activations = work.tokens * shape.adapted_layers * kept * width
    logits = work.predicted * shape.vocab_size * (width + 2 * FP32)
    logits += work.base[1] * shape.vocab_size * (width + FP32)
    return shape.weights * width + shape.adapter(rank) * 5 * FP32 + activations + logits


def sampling_memory(shape: Shape, sequences: int, length: float, precision: Precision) -> float:
    """Bytes of the weights and of the keys and values of the sequences that are run at once.

    It is what sampling needs; vLLM takes nine tenths of the GPU, for as long as it runs.
    """
    keys = 2 * shape.num_hidden_layers * shape.num_key_value_heads * shape.head_dim
    return (shape.weights + sequences * length * keys) * BYTES[precision]
