"""Is a data set's sample of steering tokens a lucky draw, an unlucky one, or an ordinary one?

Pearson's statistic of the drawn counts, summed over contexts, against that of simulated draws
with the same probabilities in each round. p near 1: the counts are closer to what they are
expected to be than draws usually come; near 0: further from it.

    python -m scales.switch embedded && dvc checkout && python -m benchmarks.draws
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from distalign.records.files import read_jsonl, read_spec
from distalign.records.schemas import Judgement

DATASETS = ["uk_real", "uk_even", "us_real", "us_even", "race_even", "sentiment_even"]


def draw_p_value(
    drawn: list[np.ndarray], probabilities: list[np.ndarray], draws: int, rng: np.random.Generator
) -> float:
    """Share of simulated samples that are as far from expectation as the drawn one, or further.

    Args:
        drawn: per context, index of the category of each round (N,).
        probabilities: per context (N, K), positive.
    """
    observed, simulated = 0.0, np.zeros(draws)
    for index, p in zip(drawn, probabilities, strict=True):
        expected = p.sum(axis=0)
        u = rng.random((draws, len(p), 1))
        sampled = (u > np.cumsum(p, axis=1)[:, :-1]).sum(axis=2)
        for k, mean in enumerate(expected):
            observed += ((index == k).sum() - mean) ** 2 / mean
            simulated += ((sampled == k).sum(axis=1) - mean) ** 2 / mean
    return float((1 + (simulated >= observed).sum()) / (1 + draws))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("datasets", nargs="*", default=DATASETS)
    parser.add_argument("--policy", default="smollm2-135m/attribute/attribute")
    parser.add_argument("--method", default="ours")
    parser.add_argument("--seed", type=int, default=0, help="training seed")
    parser.add_argument("--draws", type=int, default=10_000)
    args = parser.parse_args()
    for dataset in args.datasets:
        categories = read_spec(Path(f"data/targets/{dataset}.json")).categories
        folder = Path("data/judgements") / args.policy / dataset / args.method
        drawn, probabilities = defaultdict(list), defaultdict(list)
        for row in read_jsonl(folder / f"{args.seed}.jsonl", Judgement):
            drawn[row.context].append(categories.index(row.drawn))
            probabilities[row.context].append(row.probabilities)
        p = draw_p_value(
            [np.array(drawn[context]) for context in drawn],
            [np.array(probabilities[context]) for context in drawn],
            args.draws,
            np.random.default_rng(0),
        )
        print(f"{dataset:15} p = {p:.4f}", flush=True)


if __name__ == "__main__":
    main()
