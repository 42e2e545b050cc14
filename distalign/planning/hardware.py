"""How long work takes: from rates that are or were measured, or from a data sheet."""

from dataclasses import dataclass
from typing import Literal

from distalign.planning.cost import (
    Lengths,
    Objective,
    Shape,
    forward_operations,
    step_operations,
    tree,
)
from distalign.records.schemas import InputError, Record, Setting


class MeasuredStep(Record):
    rows: int
    seconds: float


class MeasuredRates(Record):
    """Of the reference model, or of as many blocks as it has (distalign/planning/rates.py).

    Attributes:
        steps: objective -> a training step of so many rows.
        prefill, decode: tokens a second, read and written.
    """

    steps: dict[Literal["ift", "kto"], MeasuredStep]
    prefill: float
    decode: float


class StartUp(Record):
    start_up: dict[str, float]
    """Stage -> seconds of a job that trains, samples or asks, beside doing so."""
    other: dict[str, float]
    """Stage -> seconds of a job that does nothing of that; `rest`: of the stages not named."""


class MeasuredHardware(StartUp):
    """Attributes: served: a server's share of the sampling rates."""

    rates: MeasuredRates
    served: float


class Shares(Record):
    """Of the peak rate; assumed."""

    training: float
    prefill: float
    decode: float


class Steps(Record):
    """Seconds of a step at least; assumed."""

    training: float
    decode: float


class AssumedHardware(StartUp):
    """Attributes: peak: operations a second in bfloat16; memory_gib: of one GPU."""

    peak: float
    memory_gib: float
    share: Shares
    step: Steps


class BlockShares(Record):
    """Speed of a model at work by that of its blocks alone; above 1 where vLLM is faster."""

    ift: float
    kto: float
    prefill: float
    decode: float


class Here(StartUp):
    """What is known beforehand of the processor at hand, whichever it is.

    Attributes:
        python: what `distalign.planning.rates.python_seconds` said where `start_up` and `other`
            were measured.
    """

    share: BlockShares
    python: float


Hardware = MeasuredHardware | AssumedHardware
HERE = "here"
"""Name of the processor at hand, once it is measured."""


class Reference(Record):
    """The model, and the rank of its adapter, with which rates were measured."""

    model: str
    rank: int


class Writing(Record):
    """What an LLM is asked that writes responses; see data/rates.yaml."""

    requests_per_response: float
    prompt: float


class Rates(Record):
    """data/rates.yaml."""

    reference: Reference
    shapes: dict[str, Shape]
    lengths: dict[Setting, Lengths]
    writing: Writing
    hardware: dict[str, Hardware]
    here: Here
    sequences: int
    """Sampled at once."""
    request: float
    """Seconds of a request to an API."""

    def shape(self, model: str) -> Shape:
        """Raises InputError where the model's sizes are not known."""
        if model not in self.shapes:
            raise InputError(f"data/rates.yaml: shapes has no {model}; its config.json has them")
        return self.shapes[model]


def at_hand(rates: Rates, model: str, blocks: MeasuredRates, python: float) -> Rates:
    """The rates with those of the processor at hand among them.

    Args:
        model: whose blocks were timed; the reference from now on.
        blocks: their rates, from `distalign.planning.rates.measure`.
        python: from `distalign.planning.rates.python_seconds`: jobs start as much faster or slower.
    """
    here = rates.here
    steps = {
        objective: MeasuredStep(
            rows=step.rows, seconds=step.seconds / getattr(here.share, objective)
        )
        for objective, step in blocks.steps.items()
    }
    pace = python / here.python
    measured = MeasuredHardware(
        rates=MeasuredRates(
            steps=steps,
            prefill=blocks.prefill * here.share.prefill,
            decode=blocks.decode * here.share.decode,
        ),
        served=1,
        start_up={stage: seconds * pace for stage, seconds in here.start_up.items()},
        other={stage: seconds * pace for stage, seconds in here.other.items()},
    )
    reference = Reference(model=model, rank=rates.reference.rank)
    hardware = {**rates.hardware, HERE: measured}
    return rates.model_copy(update={"reference": reference, "hardware": hardware})


@dataclass(frozen=True)
class Work:
    """What a job does. Operations and tokens are of the whole job.

    Attributes:
        steps, trained: steps of training, and operations of training.
        prefilled, decoded: operations of sampling, for tokens that are read and written.
        read, written: those tokens, and the tokens of training among the read.
        requests, in_flight: to an API, and how many at once.
        served: by an LLM's server.
        memory: bytes on one GPU.
    """

    objective: Objective | None = None
    steps: float = 0
    trained: float = 0
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
        return self.trained + self.prefilled + self.decoded


@dataclass(frozen=True)
class Speeds:
    """Operations a second; seconds of a step at least; a server's share of the sampling rates."""

    ift: float
    kto: float
    prefill: float
    decode: float
    training_step: float
    decode_step: float
    served: float


def speeds(rates: Rates, name: str) -> Speeds:
    """Speeds of the named hardware with any model, from its rates with the reference."""
    hardware = rates.hardware[name]
    if isinstance(hardware, AssumedHardware):
        share, peak = hardware.share, hardware.peak
        return Speeds(
            ift=share.training * peak,
            kto=share.training * peak,
            prefill=share.prefill * peak,
            decode=share.decode * peak,
            training_step=hardware.step.training,
            decode_step=hardware.step.decode,
            served=1,
        )
    reference, lengths = rates.shapes[rates.reference.model], rates.lengths["attribute"]

    def training(objective: Literal["ift", "kto"]) -> float:
        step = hardware.rates.steps[objective]
        done = step_operations(reference, rates.reference.rank, tree(objective, step.rows, lengths))
        return done / step.seconds

    prefill = hardware.rates.prefill * forward_operations(reference, 0, 1, 0)
    decode = hardware.rates.decode * forward_operations(reference, 0, 1, 1)
    return Speeds(training("ift"), training("kto"), prefill, decode, 0, 0, hardware.served)


def seconds(stage: str, work: Work, rates: Rates, name: str) -> float:
    """Seconds of a stage's job on the named hardware."""
    hardware, speed = rates.hardware[name], speeds(rates, name)
    if not work.operations and not work.requests:
        return hardware.other.get(stage, hardware.other["rest"])
    training = speed.ift if work.objective == "ift" else speed.kto
    trained = max(work.trained / training, work.steps * speed.training_step)
    steps = work.written / rates.sequences
    decoded = max(work.decoded / speed.decode, steps * speed.decode_step)
    sampled = work.prefilled / speed.prefill + decoded
    sampled /= speed.served if work.served else 1
    asked = work.requests * rates.request / work.in_flight
    return hardware.start_up[stage] + trained + sampled + asked
