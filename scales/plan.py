"""What a scale costs before it is run: jobs, tokens, operations, GPU memory and hours.

    python -m scales.plan --scale paper --hardware h100

Stage by stage, with what is cached already. Nothing is changed: another scale is switched to in
a copy of the sources. Rates are in data/rates.yaml.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from distalign.records.schemas import InputError
from stages.cli import run

if TYPE_CHECKING:
    from distalign.planning.forecast import Work
    from distalign.planning.hardware import Hardware
    from scales.experiment import Job
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


def caveat(name: str, hardware: "Hardware") -> str:
    """Where the rates come from, as a sentence."""
    from distalign.planning.hardware import AssumedHardware

    if not isinstance(hardware, AssumedHardware):
        return f"{name}: from measured rates."
    share = hardware.share
    return (
        f"{name}, one GPU of {hardware.memory_gib:.0f} GiB. ASSUMED, not measured: "
        f"{share.training:.0%} of {hardware.peak / 1e12:.0f} TFLOP/s in training, "
        f"{share.prefill:.0%} and {share.decode:.0%} in reading and writing tokens, and "
        f"{hardware.step.training} s a training step at least."
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", help="of scales/; default: what is switched to")
    parser.add_argument("--hardware", default="cpu-2", help="of data/rates.yaml; default: cpu-2")
    args = parser.parse_args()
    from distalign.planning import hardware
    from scales.experiment import jobs, read_experiment, read_rates, read_yaml
    from scales.state import cache_of, copy_sources, read_states
    from scales.switch import switch

    root, rates = Path(), read_rates(RATES)
    if args.hardware not in rates.hardware:
        raise InputError(f"no hardware {args.hardware!r}; {RATES} has {', '.join(rates.hardware)}")
    with tempfile.TemporaryDirectory(prefix="plan-") as name:
        folder = Path(name).resolve()
        copy_sources(root, folder)
        if args.scale:
            switch(args.scale, folder)
        scale = read_yaml(folder / "scale.yaml")
        experiment = read_experiment(folder, rates, scale)
        listed = list(jobs(read_yaml(folder / "dvc.yaml"), scale))
        states = read_states(folder, cache_of(root))
    works = {job.name: experiment.work(*job) for job in listed}
    seconds = {
        job.name: hardware.seconds(job.stage, works[job.name], rates, args.hardware)
        for job in listed
    }
    print(f"{scale['name']} on {caveat(args.hardware, rates.hardware[args.hardware])}\n")
    print(line(COLUMNS))
    for stage in dict.fromkeys(job.stage for job in listed):
        print(line(row(stage, [j for j in listed if j.stage == stage], works, seconds, states)))
    print(line(row("all", listed, works, seconds, states)))
    requests = sum(work.requests for work in works.values())
    if requests:
        print(f"\nAt most {requests:,.0f} requests to APIs, at {rates.request} s each (assumed).")


if __name__ == "__main__":
    run(main)
