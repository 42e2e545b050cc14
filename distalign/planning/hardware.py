"""How long work takes: from rates that are or were measured, or from a data sheet."""

from dataclasses import dataclass
from typing import Literal

from distalign.planning.cost import (
    Lengths,
    Retained,
    Shape,
    forward_operations,
    step_operations,
    tree,
)
from distalign.planning.work import RequestLengths, Work
from distalign.records.schemas import InputError, Record, Setting


class MeasuredStep(Record):
    rows: int
    seconds: float


class MeasuredRates(Record):
    """Of the reference model, or of as many blocks as it has (distalign/planning/rates.py).

    Attributes:
        steps: objective -> a training step of so many rows, with the reference's requests.
        forward: tokens a second, read as in training and without a backward pass.
        prefill, decode: tokens a second, read and written in sampling.
    """

    steps: dict[Literal["ift", "kto"], MeasuredStep]
    forward: float
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
    """Speed of a model at work by that of its blocks alone; above 1 where it does less than is
    counted. `served`: a server's share of the sampling rates.
    """

    ift: float
    kto: float
    forward: float
    prefill: float
    decode: float
    served: float


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
    """What rates were measured with: a model, the rank of its adapter, requests of a step."""

    model: str
    rank: int
    retained: Retained


class Writing(Record):
    """What an LLM is asked that writes responses; see data/rates.yaml."""

    requests_per_response: float
    prompt: float


class Rates(Record):
    """data/rates.yaml."""

    reference: Reference
    shapes: dict[str, Shape]
    lengths: dict[Setting, Lengths]
    requests: RequestLengths
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
            forward=blocks.forward * here.share.forward,
            prefill=blocks.prefill * here.share.prefill,
            decode=blocks.decode * here.share.decode,
        ),
        served=here.share.served,
        start_up={stage: seconds * pace for stage, seconds in here.start_up.items()},
        other={stage: seconds * pace for stage, seconds in here.other.items()},
    )
    reference = rates.reference.model_copy(update={"model": model})
    hardware = {**rates.hardware, HERE: measured}
    return rates.model_copy(update={"reference": reference, "hardware": hardware})


@dataclass(frozen=True)
class Speeds:
    """Operations a second; seconds of a step at least; a server's share of the sampling rates."""

    ift: float
    kto: float
    forward: float
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
            forward=share.training * peak,
            prefill=share.prefill * peak,
            decode=share.decode * peak,
            training_step=hardware.step.training,
            decode_step=hardware.step.decode,
            served=1,
        )
    model, rank = rates.shapes[rates.reference.model], rates.reference.rank

    def training(objective: Literal["ift", "kto"]) -> float:
        step = hardware.rates.steps[objective]
        work = tree(objective, step.rows, rates.lengths["attribute"], rates.reference.retained)
        return step_operations(model, rank, work) / step.seconds

    return Speeds(
        ift=training("ift"),
        kto=training("kto"),
        forward=hardware.rates.forward * forward_operations(model, rank, 1, 0),
        prefill=hardware.rates.prefill * forward_operations(model, 0, 1, 0),
        decode=hardware.rates.decode * forward_operations(model, 0, 1, 1),
        training_step=0,
        decode_step=0,
        served=hardware.served,
    )


def seconds(stage: str, work: Work, rates: Rates, name: str) -> float:
    """Seconds of a stage's job on the named hardware."""
    hardware, speed = rates.hardware[name], speeds(rates, name)
    if not work.operations and not work.requests:
        return hardware.other.get(stage, hardware.other["rest"])
    training = speed.ift if work.objective == "ift" else speed.kto
    trained = max(work.trained / training, work.steps * speed.training_step)
    trained += work.forward / speed.forward
    steps = work.written / rates.sequences
    decoded = max(work.decoded / speed.decode, steps * speed.decode_step)
    sampled = work.prefilled / speed.prefill + decoded
    sampled /= speed.served if work.served else 1
    asked = work.requests * rates.request / work.in_flight
    return hardware.start_up[stage] + trained + sampled + asked
