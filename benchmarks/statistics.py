"""Time of 1,000 resamples of a data set of 25 contexts against a plain loop, in one run.

Both compute the paper's percentile interval of the MAE. Medians of several runs.

    python -m benchmarks.statistics
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

from distalign.statistics.deviation import deviation_interval
from distalign.statistics.mae import fit_p_values, paper_interval

CONTEXTS, ROUNDS, RESAMPLES, RUNS = 25, 100, 1000, 7


def loop_interval(
    counts: np.ndarray, target: np.ndarray, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The same interval, drawing the rounds of one context of one resample at a time."""
    maes = []
    for _ in range(resamples):
        errors = []
        for row, wanted in zip(counts, target, strict=True):
            rounds = np.repeat(np.arange(len(row)), row)
            drawn = rng.choice(rounds, size=len(rounds))
            shares = np.bincount(drawn, minlength=len(row)) / len(drawn)
            errors.append(np.abs(shares - wanted).mean())
        maes.append(np.mean(errors))
    low, high = np.quantile(maes, [0.025, 0.975])
    return float(low), float(high)


def seconds(call: Callable[[], object], runs: int) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    print(f"{CONTEXTS} contexts, {ROUNDS} rounds, {RESAMPLES} resamples; seconds")
    print("categories  interval      loop   ratio  goodness of fit  deviation interval")
    for categories in (2, 3, 5):
        rng = np.random.default_rng(0)
        target = np.full((CONTEXTS, categories), 1 / categories)
        counts = rng.multinomial(ROUNDS, target)
        arguments = (counts, target, RESAMPLES, rng)
        fast = seconds(lambda: paper_interval(*arguments), RUNS)  # noqa: B023
        slow = seconds(lambda: loop_interval(*arguments), 1)  # noqa: B023
        fit = seconds(lambda: fit_p_values(*arguments), RUNS)  # noqa: B023
        deviation = seconds(lambda: deviation_interval(counts, target, rng), RUNS)  # noqa: B023
        row = f"{categories:10d} {fast:9.4f} {slow:9.3f} {slow / fast:7.0f}"
        print(f"{row} {fit:16.4f} {deviation:19.4f}")


if __name__ == "__main__":
    main()
