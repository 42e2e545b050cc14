"""1,000 contexts of 100 rounds: time grows with their number, memory stays in bounds."""

import csv
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import yaml

from distalign.data.synthesize import draw_base
from distalign.machine.provenance import CellProvenance
from distalign.records.files import read_spec, write_json
from distalign.records.schemas import Attribute, Context, DatasetSpec, Prompt, Response
from tests.support.paths import ROOT

ROUNDS = 100
PROMPTS = 100  # a split
POOL = 8
START, SMALL, LARGE = 5, 250, 1_000
METHODS = ["zero_shot", "ours"]
PLACE = "m/attribute/attribute/big"
# Four times the contexts: 16 if time grew with the square; the rest is a busy machine's.
MOST_RATIO, SLACK_S = 6.0, 0.3
MOST_MEMORY = 2 << 30


class Usage(NamedTuple):
    seconds: dict[str, float]
    """Of CPU, a stage."""
    peak: int
    """Bytes."""


def write_rows(path: Path, rows: Iterator[dict[str, Any]]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return str(path)


def write_inputs(folder: Path, n: int) -> list[str]:
    """Counts, parameters and what the report reads beside the cells; the contexts' names."""
    names = [f"Workers of trade {i}" for i in range(n)]
    with (folder / "big.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["occupation", "male_count", "female_count"])
        rows.writerows((name, 1 + i % 97, 5 + i % 31) for i, name in enumerate(names))
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    dataset = {"attribute": "gender", "contexts": "big.csv", "target": "real"}
    params["targets"]["datasets"] = {"big": dataset}
    (folder / "params.yaml").write_text(json.dumps(params), encoding="utf-8")
    scale = yaml.safe_load((ROOT / "scales/default.yaml").read_text(encoding="utf-8"))
    scale |= {"base_models": ["m"], "models": ["m"], "datasets": ["big"], "methods": METHODS}
    (folder / "scale.yaml").write_text(json.dumps(scale), encoding="utf-8")
    (folder / "paper.csv").write_text("table,model,method,dataset,value\n", encoding="utf-8")
    for method in METHODS:
        log = folder / f"logs/m/attribute/big/{method}/0.csv"
        log.parent.mkdir(parents=True)
        log.write_text("step\n", encoding="utf-8")
    return names


def prompts(names: list[str]) -> Iterator[dict[str, Any]]:
    for name in names:
        for split in ("train", "validation", "test"):
            for i in range(PROMPTS):
                prompt = f"{split} {i}: what is the gender of the {name}?"
                place = {"setting": "attribute", "context": name, "split": split}
                yield {**place, "prompt": prompt, "source": "llm"}


def responses(names: list[str], each: int) -> Iterator[dict[str, Any]]:
    for name in names:
        for i in range(2 * each):
            category = ("Male", "Female")[i % 2]
            text = {"prompt": f"What about the {name}?", "response": f"{i}: {category}."}
            place = {"setting": "attribute", "context": name}
            yield {**place, **text, "category": category, "source": "llm"}


def rounds(names: list[str], attribute: Attribute, steered: bool) -> Iterator[dict[str, Any]]:
    """Answers with any of the categories' words; one in ten says nothing."""
    draw = random.Random(0)
    for name in names:
        for i in range(ROUNDS):
            category = draw.choice(attribute.categories)
            word = draw.choice(category.words) if draw.random() < 0.9 else "unsure"
            p = draw.random()
            round_ = {
                "context": name,
                "round": i,
                "prompt": f"{i}: what is the gender of the {name}?",
                "text": f"I would say that the {name} are {word}, as most of them are.",
                "drawn": category.name if steered else None,
                "probabilities": [p, 1 - p] if steered else None,
                "mass": 0.9 if steered else None,
            }
            yield round_


def run_stages(folder: Path, commands: dict[str, dict[str, str]]) -> Usage:
    flags = {
        stage: [part for name, value in flags.items() for part in (f"--{name}", value)]
        for stage, flags in commands.items()
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/support/large_cell.py")],
        input=json.dumps(flags),
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return Usage(**json.loads(done.stdout.splitlines()[-1]))


def run_size(folder: Path, n: int) -> Usage:
    """All stages between the counts and the report, models and LLM aside."""
    folder.mkdir()
    names = write_inputs(folder, n)
    spec = "targets/big.json"
    attributes = str(ROOT / "data/attributes")
    made = {"targets": {"dataset": "big", "attributes": attributes, "out": spec}}
    run_stages(folder, made)
    attribute = read_spec(folder / spec).attribute
    read = {
        "prompts": write_rows(folder / "prompts.jsonl", prompts(names)),
        "base": write_rows(folder / "base.jsonl", responses(names, ROUNDS // 2)),
        "pool": write_rows(folder / "pool.jsonl", responses(names, POOL)),
    }
    usages = [
        run_stages(
            folder,
            {"pair": {"spec": spec, **read, "out": "preferences.jsonl", "validation": "v.jsonl"}},
        )
    ]
    for method in METHODS:
        drawn = write_rows(folder / "rounds.jsonl", rounds(names, attribute, method == "ours"))
        judged = f"judgements/{PLACE}/{method}/0.jsonl"
        llm = {"setting": "attribute", "llm": "none", "store": "store"}
        commands = {
            "judge": {"spec": spec, **llm, "rounds": drawn, "out": judged},
            "score": {
                "spec": spec,
                "judgements": judged,
                "out": f"metrics/{PLACE}/{method}/0.json",
            },
        }
        usages.append(run_stages(folder, commands))
        made_with = CellProvenance(trained=None, measured=None)
        write_json(folder / f"metrics/provenance/{PLACE}/{method}/0.json", made_with.model_dump())
    folders = {name: name for name in ("metrics", "judgements", "targets", "logs")}
    report = {"paper": "paper.csv", "out": "report", "plots": "plots", "rounds": "pages"}
    usages.append(run_stages(folder, {"report": {**folders, **report}}))
    seconds = {stage: usage for part in usages for stage, usage in part.seconds.items()}
    return Usage(seconds, max(usage.peak for usage in usages))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_time_is_linear_and_memory_bounded(tmp_path: Path) -> None:
    start, small, large = (run_size(tmp_path / str(n), n) for n in (START, SMALL, LARGE))
    print(start, small, large, sep="\n")  # shown where it fails
    metrics = json.loads((tmp_path / f"{LARGE}/metrics/{PLACE}/ours/0.json").read_text())
    assert metrics["n_rounds"] == LARGE * ROUNDS
    assert metrics["n_contexts"] == LARGE
    with (tmp_path / f"{LARGE}/preferences.jsonl").open(encoding="utf-8") as file:
        assert sum(1 for _ in file) == LARGE * ROUNDS
    report = tmp_path / f"{LARGE}/report"
    with (report / "contexts.csv").open(encoding="utf-8") as file:
        assert sum(f"trade {LARGE - 1}," in line for line in file) == 2 * len(METHODS)
    # Figures and pages show some of so many contexts, and stay small.
    assert all(
        path.stat().st_size < 1_000_000 for path in report.iterdir() if path.suffix != ".csv"
    )
    for stage, imports in start.seconds.items():
        less, more = (usage.seconds[stage] - imports for usage in (small, large))
        assert more <= MOST_RATIO * less + SLACK_S, stage
    assert large.peak < MOST_MEMORY


def draw_seconds(n: int, spec: DatasetSpec) -> float:
    names = [f"Workers of trade {i}" for i in range(n)]
    contexts = [Context(name=name, target=[0.3, 0.7]) for name in names]
    asked = [Prompt(**row) for row in prompts(names)]
    pool = [Response(**row) for row in responses(names, POOL)]
    start = time.process_time()
    big = spec.model_copy(update={"contexts": contexts})
    assert len(draw_base(big, asked, pool, 10, np.random.default_rng(0))) == 10 * n
    return time.process_time() - start


def test_drawing_responses_is_linear(spec: DatasetSpec) -> None:
    # Of several: one draw took fifteen times as long as the others, perhaps a garbage collection.
    few, many = (min(draw_seconds(n, spec) for _ in range(5)) for n in (50, 400))
    assert many <= 2 * MOST_RATIO * few + SLACK_S
