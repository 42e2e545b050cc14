"""The steps that are timed are those of the training."""

import argparse
from pathlib import Path

import pytest

from benchmarks.processors import steps
from distalign.records.files import write_json, write_jsonl
from distalign.records.requests import Request
from distalign.records.schemas import DatasetSpec, Preference
from tests.support.paths import ROOT


def test_a_step_holds_requests(
    base_model: Path, spec: DatasetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)  # where params.yaml is
    row = Preference(
        setting="attribute",
        context="Caretakers",
        prompt="What is the gender of the Caretakers?",
        category="Male",
        response="They are male.",
        rejected_category="Female",
        rejected_response="They are female.",
    )
    request = Request(
        kind="ordinary",
        split="train",
        prompt="Who wrote Hamlet?",
        source="written",
        asks=[],
        answer="Shakespeare.",
        ended=True,
    )
    write_json(tmp_path / "spec.json", spec.model_dump())
    write_jsonl(tmp_path / "preferences.jsonl", [row] * 16)
    write_jsonl(tmp_path / "requests.jsonl", [request])
    places = argparse.Namespace(
        base=base_model,
        spec=tmp_path / "spec.json",
        preferences=tmp_path / "preferences.jsonl",
        requests=tmp_path / "requests.jsonl",
        near_misses=tmp_path / "requests.jsonl",
        turns=1,
    )
    assert len(list(steps("ours", places, "float32", tmp_path / "run"))) == 1
