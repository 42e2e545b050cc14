"""What a scale costs before it is run: jobs, tokens, operations, memory and hours.

    python -m scales.plan --scale paper --hardware h100

Stage by stage, with what is cached already. Nothing is changed: another scale is switched to in
a copy of the sources. The processor at hand is measured for some seconds; the rates of others are
in data/rates.yaml.
"""

import argparse
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from distalign.records.schemas import InputError
from stages.cli import block, run

if TYPE_CHECKING:
    from distalign.machine.precision import Precision
    from distalign.planning.hardware import Rates
    from distalign.planning.work import Work
    from scales.locks import Job
    from scales.state import State

RATES = Path("data/rates.yaml")
COLUMNS = ["stage", "jobs", "cached", "pull", "run", "Mtokens", "PFLOP", "GiB", "hours", "to run"]
WIDTHS = [16, 6, 7, 6, 6, 10, 11, 7, 9, 9]
GIB = 2**30


def row(
    stage: str,
    chosen: Sequence["Job"],
    works: Mapping[str, "Work"],
    seconds: Mapping[str, float],
    states: Mapping[str, "State"],
) -> list[str]:
    """A line of the table over some jobs; memory is the largest job's."""
    found = [states[job.name] for job in chosen]
    todo = [job for job in chosen if states[job.name] == "run"]
    done = [works[job.name] for job in chosen]
    return [
        stage,
        str(len(chosen)),
        *(str(found.count(state)) for state in ("cached", "pull", "run")),
        f"{sum(work.read + work.written for work in done) / 1e6:.2f}",
        f"{sum(work.operations for work in done) / 1e15:.2f}",
        f"{max((work.memory for work in done), default=0) / GIB:.1f}",
        *(f"{sum(seconds[job.name] for job in part) / 3600:.2f}" for part in (chosen, todo)),
    ]


def line(cells: Sequence[str]) -> str:
    return "".join(
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    )


def precision_of(name: str, file: Path) -> "Precision":
    """Precision of the models on the named hardware, by params.yaml.

    Raises:
        InputError: the hardware's rates are not of that precision.
    """
    from distalign.machine.precision import PrecisionParams, native_bfloat16
    from distalign.planning.hardware import HERE

    params = block(PrecisionParams, "precision", file=file)
    if name == HERE:
        return params.resolve(native_bfloat16())
    if params.root == "float32":
        raise InputError(
            f"params.yaml: precision: float32, and the rates of {name} in {RATES} are those of "
            f"bfloat16; make it auto, or measure this machine: HARDWARE={HERE}"
        )
    return "bfloat16"


def measure_here(
    rates: "Rates", models: Sequence[str], precision: "Precision", threads: Iterable[int]
) -> dict[int, "Rates"]:
    """Rates with those of the processor at hand, by the blocks of the smallest of the models.

    Args:
        threads: numbers of threads that a job may have; the keys of what is returned.

    Raises:
        InputError: it is a GPU, whose rates are not measured; a model's sizes are not known.
    """
    import torch

    from distalign.machine.precision import has_gpu
    from distalign.planning.hardware import at_hand
    from distalign.planning.rates import measure, python_seconds

    if has_gpu():
        raise InputError(f"a GPU is not measured; HARDWARE= one of {', '.join(rates.hardware)}")
    model = min(models, key=lambda name: rates.shape(name).weights)
    lengths, reference = rates.lengths["attribute"], rates.reference
    shape, rank, retained = rates.shape(model), reference.rank, reference.retained
    python, found = python_seconds(), {}
    for number in threads:
        torch.set_num_threads(number)
        blocks = measure(shape, rank, lengths, retained, precision)
        found[number] = at_hand(rates, model, blocks, python)
    return found


def caveat(name: str, rates: "Rates", precision: "Precision", threads: int) -> str:
    """Where the rates come from, as a sentence; `threads` are a job's, at hand."""
    from distalign.machine.provenance import here
    from distalign.planning.hardware import HERE, AssumedHardware, MeasuredHardware, speeds

    hardware = rates.hardware[name]
    if isinstance(hardware, MeasuredHardware) and name == HERE:
        speed, measured = speeds(rates, HERE), hardware.rates
        return (
            f"{here(precision).processor}, in {precision}. Measured just now with blocks of "
            f"{rates.reference.model}, in {threads} thread{'s' * (threads > 1)}: "
            f"{speed.kto / 1e9:.0f} GFLOP/s in training, "
            f"{measured.prefill:.0f} tokens a second read and {measured.decode:.0f} written."
        )
    if not isinstance(hardware, AssumedHardware):
        return f"{name}, in {precision}: from rates that were measured."
    share = hardware.share
    return (
        f"{name}, one GPU of {hardware.memory_gib:.0f} GiB, in {precision}. ASSUMED, not measured: "
        f"{share.training:.0%} of {hardware.peak / 1e12:.0f} TFLOP/s in training, "
        f"{share.prefill:.0%} and {share.decode:.0%} in reading and writing tokens, and "
        f"{hardware.step.training} s a training step at least."
    )


def side_by_side(
    waits: Mapping[str, set[str]],
    states: Mapping[str, "State"],
    places: int,
    beside: Mapping[str, float],
    alone: Mapping[str, float],
) -> str:
    """How long `make repro` takes, as a sentence; seconds are of a job in one place, and in all."""
    from scales.run import minutes_side_by_side, to_run

    def minutes(names: Iterable[str]) -> str:
        return f"{minutes_side_by_side(to_run(waits, names), places, beside, alone):.0f} minutes"

    todo = [name for name, state in states.items() if state == "run"]
    jobs = f"{places} jobs side by side" if places > 1 else "One job after another"
    return f"{jobs}: {minutes(waits)} for all, {minutes(todo)} for those to run."


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", help="of scales/; default: what is switched to")
    parser.add_argument(
        "--hardware", default="here", help="of data/rates.yaml; default: the processor at hand"
    )
    args = parser.parse_args()
    from distalign.machine.cores import available_cores, available_memory, threads_of
    from distalign.machine.precision import has_gpu
    from distalign.planning import hardware
    from scales.experiment import read_experiment, read_rates, read_yaml
    from scales.locks import jobs
    from scales.run import jobs_at_once
    from scales.state import cache_of, copy_sources, read_states
    from scales.switch import switch

    root, rates = Path(), read_rates(RATES)
    known = [hardware.HERE, *rates.hardware]
    if args.hardware not in known:
        raise InputError(f"no hardware {args.hardware!r}; there is {', '.join(known)}")
    places, threads, at_hand = 1, 1, args.hardware == hardware.HERE
    with tempfile.TemporaryDirectory(prefix="plan-") as name:
        folder = Path(name).resolve()
        copy_sources(root, folder)
        if args.scale:
            switch(args.scale, folder)
        scale = read_yaml(folder / "scale.yaml")
        precision = precision_of(args.hardware, folder / "params.yaml")
        with_all_cores = rates
        if at_hand:
            places = jobs_at_once(available_cores(), available_memory(), has_gpu())
            threads, every = threads_of(places), threads_of()
            measured = measure_here(rates, scale["models"], precision, {threads, every})
            rates, with_all_cores = measured[threads], measured[every]
        experiment = read_experiment(folder, rates, scale, precision)
        listed = list(jobs(read_yaml(folder / "dvc.yaml"), scale))
        states, waits = read_states(folder, *cache_of(root))
    works = {job.name: experiment.work(*job) for job in listed}
    seconds, alone = (
        {
            job.name: hardware.seconds(job.stage, works[job.name], those, args.hardware)
            for job in listed
        }
        for those in (rates, with_all_cores)
    )
    print(f"{scale['name']} on {caveat(args.hardware, rates, precision, threads)}\n")
    print(line(COLUMNS))
    for stage in dict.fromkeys(job.stage for job in listed):
        print(line(row(stage, [j for j in listed if j.stage == stage], works, seconds, states)))
    print(line(row("all", listed, works, seconds, states)))
    if at_hand:
        print(f"\n{side_by_side(waits, states, places, seconds, alone)}")
    requests = sum(work.requests for work in works.values())
    if requests:
        print(f"\nAt most {requests:,.0f} requests to APIs, at {rates.request} s each (assumed).")


if __name__ == "__main__":
    run(main)
