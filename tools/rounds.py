"""How many rounds a context it takes to see that answers are off their targets.

    distalign-rounds targets.csv --deviation 0.05

A deviation is the mean difference between the true shares and the targets, over a context's
categories. Every context is taken to be off by so much, in the way that is hardest to see, and
Pearson's test of all contexts together is to see it. Rounds are valid answers: where a tenth is
invalid, draw a ninth more.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from distalign.records.schemas import InputError
from distalign.statistics.answers import read_targets
from distalign.statistics.power import rounds_needed
from stages.cli import run
from tools.answers import check_normalised

DEVIATIONS = [0.01, 0.02, 0.03, 0.05, 0.1]
MOST = 16


def table(
    targets: Sequence[Sequence[float]], deviations: Sequence[float], power: float, alpha: float
) -> str:
    """Rounds a context, and of all contexts, for each deviation.

    Args:
        targets: (C, K).
    """
    shares = np.array(targets)
    lines = ["deviation  rounds a context  in all"]
    for deviation in deviations:
        try:
            n = rounds_needed(shares, deviation, len(shares), power, alpha)
        except ValueError:
            lines.append(f"{deviation:9g}  not every context can be so far off its target")
            continue
        lines.append(f"{deviation:9g}  {n:16,}  {n * len(shares):6,}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", type=Path, help="as `distalign-score` takes it")
    parser.add_argument(
        "--deviation", type=float, action="append", help="again for more; default: some from 0.01"
    )
    parser.add_argument("--power", type=float, default=0.8, help="chance to see it")
    parser.add_argument("--alpha", type=float, default=0.05, help="chance of a false alarm")
    parser.add_argument(
        "--normalise", action="store_true", help="divide each context's shares by their sum"
    )
    args = parser.parse_args()
    deviations = args.deviation or DEVIATIONS
    for name, values in (
        ("--deviation", deviations),
        ("--power", [args.power]),
        ("--alpha", [args.alpha]),
    ):
        if not all(0 < value < 1 for value in values):
            raise InputError(f"{name} {values}: take numbers between 0 and 1")
    if args.power <= args.alpha:
        raise InputError(f"--power {args.power}: take more than --alpha, {args.alpha}")
    spec = read_targets(args.targets, normalise=args.normalise)
    if args.normalise:
        check_normalised(args.targets)
    if len(spec.categories) > MOST:
        raise InputError(
            f"{args.targets}:1: {len(spec.categories)} categories; at most {MOST}, since every "
            "grouping of them is tried"
        )
    print(table([c.target for c in spec.contexts], deviations, args.power, args.alpha))


def command() -> None:
    """As a console command."""
    run(main)


if __name__ == "__main__":
    command()
