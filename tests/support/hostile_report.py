"""A report by the real stages on names and responses of any signs, in the working directory."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from distalign.machine.provenance import CellProvenance
from distalign.records.files import write_json, write_jsonl, write_text
from distalign.records.schemas import Attribute, Category, Context, DatasetSpec, Round
from stages import judge, report, score
from tests.support.paths import ROOT

N = 4
WORDS = ("male", "female")
PLACE = "m/attribute/attribute/odd/ours/0"


def run_stage(stage: ModuleType, monkeypatch: pytest.MonkeyPatch, **flags: str) -> None:
    pairs = [part for name, value in flags.items() for part in (f"--{name}", value)]
    monkeypatch.setattr(sys, "argv", ["stage", *pairs])
    stage.main()


def write_scale() -> None:
    """Parameters, lists, the paper's numbers and a training log."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["score"]["resamples"] = 20
    write_text(Path("params.yaml"), json.dumps(params))
    scale = yaml.safe_load((ROOT / "scales/default.yaml").read_text(encoding="utf-8"))
    scale |= {"base_models": ["m"], "models": ["m"], "datasets": ["odd"], "methods": ["ours"]}
    write_text(Path("scale.yaml"), json.dumps(scale))
    write_text(Path("paper.csv"), "table,model,method,dataset,value\n")
    made = CellProvenance(trained=None, measured=None)
    write_json(Path(f"metrics/provenance/{PLACE}.json"), made.model_dump())
    write_text(Path("logs/m/attribute/odd/ours/0.csv"), "step\n")


def report_of(spec: DatasetSpec, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds that end in `text` are judged, scored and reported, in report/ and plots/."""
    write_scale()
    write_json(Path("targets/odd.json"), spec.model_dump())
    rounds = [
        Round(
            context=context.name,
            round=i,
            prompt=text,
            text=f"They are {WORDS[i % 2]}. {text}",
            drawn=spec.categories[i % 2],
            probabilities=[0.5, 0.5],
            mass=0.9,
        )
        for context in spec.contexts
        for i in range(N)
    ]
    write_jsonl(Path("rounds.jsonl"), rounds)
    names, judged = {"spec": "targets/odd.json"}, f"judgements/{PLACE}.jsonl"
    llm = {"setting": "attribute", "llm": "none", "store": "store"}
    run_stage(judge, monkeypatch, **names, **llm, rounds="rounds.jsonl", out=judged)
    out = f"metrics/{PLACE}.json"
    run_stage(score, monkeypatch, **names, judgements=judged, out=out)
    assert json.loads(Path(out).read_text())["n_valid"] == len(rounds)
    folders = {name: name for name in ("metrics", "judgements", "targets", "logs")}
    out = {"out": "report", "plots": "plots", "rounds": "pages"}
    run_stage(report, monkeypatch, **folders, paper="paper.csv", **out)


def odd_spec(contexts: Sequence[str], categories: Sequence[str]) -> DatasetSpec:
    """Two categories of these names, which are read by WORDS."""
    return DatasetSpec(
        name="odd",
        target="even",
        attribute=Attribute(
            name="gender",
            categories=[
                Category(name=name, words=[word], tokens={})
                for name, word in zip(categories, WORDS, strict=True)
            ],
            homonyms=[],
            settings={},
        ),
        contexts=[Context(name=name, target=[0.5, 0.5]) for name in contexts],
    )
