"""What a job does, and the work of the jobs that a policy's retention needs: requests that are
answered, and the divergence from the base model on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from distalign.data.answers import SURPLUS
from distalign.data.paraphrase import ParaphraseParams
from distalign.data.requests import RequestsParams
from distalign.data.synthesize import SynthesizeParams
from distalign.machine.precision import Precision
from distalign.planning.cost import (
    Objective,
    Shape,
    Tree,
    forward_operations,
    sampling_memory,
    training_memory,
)
from distalign.records.schemas import SPLITS, DatasetSpec, Record, Split

# distalign.probing.perplexity reads so many rows at a time.
ROWS = 16


class RequestLengths(Record):
    """Tokens of ordinary requests."""

    prompt: float
    """Mean own tokens of one, after the header."""
    own: float
    """Mean tokens that the model writes as it asks itself, with those that are cut."""
    texts: float
    """Of all texts whose perplexity is measured."""


@dataclass(frozen=True)
class Work:
    """What a job does. Operations and tokens are of the whole job.

    Attributes:
        steps, trained: steps of training, and their operations.
        forward: operations of passes that have no backward: the reference's, and those of a
            policy and its base model where they are compared.
        prefilled, decoded: operations of sampling, for tokens that are read and written.
        read, written: those tokens, and the tokens of training and comparing among the read.
        requests, in_flight: to an API, and how many at once.
        served: by an LLM's server.
        memory: bytes on one GPU.
    """

    objective: Objective | None = None
    steps: float = 0
    trained: float = 0
    forward: float = 0
    prefilled: float = 0
    decoded: float = 0
    read: float = 0
    written: float = 0
    requests: float = 0
    in_flight: int = 1
    served: bool = False
    memory: float = 0

    @property
    def operations(self) -> float:
        return self.trained + self.forward + self.prefilled + self.decoded


def generation(
    shape: Shape,
    precision: Precision,
    sequences: int,
    read: float,
    written: float,
    longest: float,
) -> Work:
    """Sampling; `longest` is the length of a prompt with its response."""
    return Work(
        prefilled=forward_operations(shape, 0, read, 0),
        decoded=forward_operations(shape, 0, written, written),
        read=read,
        written=written,
        memory=sampling_memory(shape, sequences, longest, precision),
    )


def requests_to_write(
    spec: DatasetSpec,
    setting: str,
    params: ParaphraseParams | SynthesizeParams,
    per_response: float,
) -> float:
    """Requests to the LLM that writes one question's wordings, or its responses.

    Args:
        per_response: requests a whole response, where no grammar frames it.
    """
    n_contexts = len(spec.contexts)
    if isinstance(params, ParaphraseParams):
        times = n_contexts if params.rewrite == "context" else 1
        return len(SPLITS) * params.per_split * times * params.requests_per_wording
    if spec.attribute.question(setting).responses.grammar:  # for all categories at once
        return n_contexts * params.pool * params.requests_per_response
    return n_contexts * len(spec.categories) * params.pool * per_response


def answering(
    shape: Shape,
    precision: Precision,
    sequences: int,
    header: float,
    lengths: RequestLengths,
    params: RequestsParams,
    asked: Sequence[dict[Split, int]],
    own: int,
) -> Work:
    """The base model answers requests, each up to the limit of its split.

    Args:
        asked: numbers of requests.
        own: of these, how many the model writes itself, each from the same header.
    """
    read = sum(sum(numbers.values()) for numbers in asked) * (header + lengths.prompt)
    written = round(SURPLUS * own) * lengths.own
    for numbers in asked:
        written += sum(n * params.max_tokens[split] for split, n in numbers.items())
    longest = header + lengths.prompt + max(params.max_tokens.values())
    return generation(shape, precision, sequences, read, written, longest)


def comparison(
    shape: Shape,
    rank: int,
    precision: Precision,
    header: float,
    lengths: RequestLengths,
    params: RequestsParams,
) -> Work:
    """A policy and its base model read the test requests with their answers, and the texts."""
    numbers = [params.written, params.own, params.near_misses]
    rows, answer = sum(of["test"] for of in numbers), params.max_tokens["test"]
    tokens = rows * (header / ROWS + lengths.prompt + answer) + lengths.texts
    predicted = rows * answer + lengths.texts
    batch = Tree(header + ROWS * (lengths.prompt + answer), ROWS * answer)
    return Work(
        forward=sum(forward_operations(shape, r, tokens, predicted) for r in (rank, 0)),
        read=2 * tokens,
        memory=training_memory(shape, rank, batch, precision),
    )
