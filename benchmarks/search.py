"""Learning rate x rows x epochs of a method, chosen on validation rounds.

Every method gets the same trials, each a training and rounds of its own on the validation prompts;
no test prompt is asked. A trial's folder keeps what is finished, and a repeated command goes on
where it was cut off. The chosen trial has the least expected MAE where steering tokens are drawn,
else the least MAE of its rounds, among those with at least 95 % valid rounds.

    python -m benchmarks.search --dataset uk_real --methods ift dpo ours --folder .search \\
        --learning-rates 2e-4 5e-4 1.5e-3 --rows 500 1400 --epochs 1 2

Needs the data, the base model and the warm-up of the data set (`dvc repro train@...`).
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from distalign.records.files import read_jsonl, write_jsonl, write_text
from distalign.records.schemas import Prompt

ROOT = Path(__file__).resolve().parents[1]
LINKS = ("data", "models")
VALID = 0.95
Trial = Mapping[str, Any]
"""Method, learning rate, rows and epochs."""


def command(template: str, names: Mapping[str, str], flags: Mapping[str, str]) -> list[str]:
    """A stage's command of dvc.yaml, its ${names} filled in and some of its flags' values changed.

    Raises:
        ValueError: the stage has no such flag.
    """
    for name, value in names.items():
        template = template.replace(f"${{{name}}}", value)
    words = shlex.split(template)
    for flag, value in flags.items():
        words[words.index(f"--{flag}") + 1] = value
    return [sys.executable, *words[1:]]


def trial_name(trial: Trial) -> str:
    return "-".join(str(trial[key]) for key in ("method", "learning_rate", "rows", "epochs"))


def criterion(metrics: Mapping[str, Any]) -> float:
    """What a trial is chosen by, the less the better; infinite with too few valid rounds."""
    if metrics["validity"] < VALID:
        return float("inf")
    expected = metrics.get("expected_mae")
    return metrics["mae"] if expected is None else expected


def table(trials: Sequence[tuple[Trial, Mapping[str, Any]]]) -> str:
    """All trials, the chosen one of each method marked."""
    best: dict[str, float] = {}
    for trial, metrics in trials:
        best[trial["method"]] = min(best.get(trial["method"], float("inf")), criterion(metrics))
    lines = ["| method | learning rate | rows | epochs | criterion | MAE | valid | chosen |"]
    lines.append("|---" * 8 + "|")
    for trial, metrics in trials:
        value = criterion(metrics)
        chosen = "x" if value == best[trial["method"]] < float("inf") else ""
        cells = [trial["method"], trial["learning_rate"], trial["rows"], trial["epochs"]]
        cells += [f"{value:.4f}", f"{metrics['mae']:.4f}", f"{metrics['validity']:.3f}", chosen]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def prepare(folder: Path, trial: Trial, prompts: Sequence[Prompt], n: int) -> None:
    """A working directory in which the stages find the trial's parameters and prompts."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in LINKS:
        if not (folder / name).exists():
            (folder / name).symlink_to(Path(name).resolve())
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params["train"] = {trial["method"]: dict(params["train"][trial["method"]])}
    for key in ("learning_rate", "rows", "epochs"):
        params["train"][trial["method"]][key] = trial[key]
    params["sample"]["n"] = n
    write_text(folder / "params.yaml", yaml.safe_dump(params))
    unseen = [row for row in prompts if row.split == "validation"]
    asked = [row.model_copy(update={"split": "test"}) for row in unseen]
    write_jsonl(folder / "prompts.jsonl", asked)


def run_trial(folder: Path, item: Mapping[str, str]) -> Mapping[str, Any]:
    """Train, sample, judge and score in the folder, unless it is done; the metrics."""
    params = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    names = {f"item.{key}": value for key, value in item.items()}
    names |= {"launch": params["launch"], "judge.llm.serve": params["judge"]["llm"]["serve"]}
    own = {"policy": "policy", "rounds": "rounds.jsonl", "judgements": "judgements.jsonl"}
    made = {
        "train": {"out": "policy", "log": "log.csv"},
        "sample": {
            "policy": own["policy"],
            "prompts": "prompts.jsonl",
            "out": own["rounds"],
            "provenance": "provenance.json",
        },
        "judge": {"rounds": own["rounds"], "out": own["judgements"]},
        "score": {"judgements": own["judgements"], "out": "metrics.json"},
    }
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for stage, flags in made.items():
        done = folder / f"{stage}.done"
        if not done.exists():
            words = command(stages[stage]["cmd"], names, flags)
            subprocess.run(words, cwd=folder, env=environment, check=True)
            done.touch()
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--training", default="attribute")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--n", type=int, default=100, help="validation rounds a context")
    parser.add_argument("--methods", nargs="+", required=True)
    parser.add_argument("--learning-rates", nargs="+", type=float, required=True)
    parser.add_argument("--rows", nargs="+", type=int, required=True)
    parser.add_argument("--epochs", nargs="+", type=float, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    args = parser.parse_args()
    item = {"model": args.model, "training": args.training, "setting": args.training}
    item |= {"dataset": args.dataset, "seed": args.seed}
    prompts = read_jsonl(Path(f"data/prompts/{args.dataset}/{args.training}.jsonl"), Prompt)
    keys = ("method", "learning_rate", "rows", "epochs")
    grid = product(args.methods, args.learning_rates, args.rows, args.epochs)
    trials = []
    for trial in (dict(zip(keys, values, strict=True)) for values in grid):
        folder = args.folder / args.model / args.dataset / args.seed / trial_name(trial)
        prepare(folder, trial, prompts, args.n)
        trials.append((trial, run_trial(folder, {**item, "method": trial["method"]})))
        print(table(trials), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
