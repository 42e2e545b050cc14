"""The real DAG on tiny parameters: run, run again, change a parameter, share, reproduce."""

import json
from pathlib import Path

import pytest
import yaml

from tests.support.tiny_pipeline import CELLS, commit, make_tiny, ran_stages, run, write_yaml


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the tiny experiment run and committed."""
    folder = tmp_path_factory.mktemp("pipeline") / "first"
    make_tiny(folder)
    commit(folder, "code")
    run("dvc", "repro", cwd=folder)
    commit(folder, "results")
    return folder


def test_every_cell_has_its_metrics(repo: Path) -> None:
    folder = repo / "metrics/smollm2-135m/attribute/attribute/uk_real"
    zero_shot, ours = (
        json.loads((folder / method / "0.json").read_text(encoding="utf-8")) for method in CELLS
    )
    assert zero_shot["n_rounds"] == ours["n_rounds"] == 3 * 8
    assert 0 < zero_shot["n_valid"] <= 24
    excess = zero_shot["mae"] - zero_shot["floor"]
    assert zero_shot["excess"] == pytest.approx(excess, abs=1e-5)
    # A dozen training steps leave few answers valid; the calibration is measured all the same.
    assert 0 <= ours["internal_mae"] <= 1
    assert 0 < ours["steering_mass"] <= 1
    variants = json.loads(
        (repo / "metrics/decoding/smollm2-135m/attribute/attribute/uk_real/ours/0.json").read_text()
    )
    assert variants.keys() == {"plain", "coordinated"}
    assert (repo / "report/default/results.html").is_file()


def read_metrics(repo: Path, name: str) -> dict | list:
    return json.loads((repo / "metrics" / f"{name}.json").read_text(encoding="utf-8"))


def test_every_analysis_has_its_metrics(repo: Path) -> None:
    cell = "smollm2-135m/attribute/attribute/uk_real"
    points = read_metrics(repo, f"sensitivity/{cell}/ours/0")
    assert [(row["parameter"], row["value"]) for row in points] == [
        ("temperature", 0.5),
        ("temperature", 1.0),
    ]
    assert 0 < read_metrics(repo, f"internal/{cell}/zero_shot/0")["mass"] < 1


def test_a_second_run_does_nothing(repo: Path) -> None:
    assert "Data and pipelines are up to date." in run("dvc", "repro", cwd=repo)


def test_clone_pulls_and_has_nothing_to_run(repo: Path, tmp_path: Path) -> None:
    remote, clone = tmp_path / "remote", tmp_path / "second"
    run("dvc", "remote", "add", "--default", "--force", "shared", str(remote), cwd=repo)
    run("dvc", "push", cwd=repo)
    commit(repo, "remote")
    run("git", "clone", "--quiet", str(repo), str(clone), cwd=tmp_path)
    run("dvc", "pull", cwd=clone)
    assert "Data and pipelines are up to date." in run("dvc", "repro", cwd=clone)
    rounds = "data/rounds/smollm2-135m/attribute/attribute/uk_real/ours/0.jsonl"
    assert (clone / rounds).read_bytes() == (repo / rounds).read_bytes()


def test_a_changed_parameter_runs_its_descendants_alone(repo: Path) -> None:
    params = yaml.safe_load((repo / "params.yaml").read_text(encoding="utf-8"))
    # One resample is an interval of no width: of so few rounds more may give the same one again.
    params["score"] |= {"seed": 1, "resamples": 1}
    write_yaml(repo / "params.yaml", params)
    assert ran_stages(run("dvc", "repro", cwd=repo)) == {"check", "score", "decoding", "report"}
    diff = json.loads(run("dvc", "metrics", "diff", "--json", "HEAD", cwd=repo))
    changed = {key.split(".")[-1] for metrics in diff.values() for key in metrics}
    assert changed
    # What is drawn or resampled with the seed; no estimate of a level among it.
    bounds = {
        f"{of}_{end}" for of in ("mae_ci", "deviation", "expected_mae") for end in ("low", "high")
    }
    assert changed <= bounds | {"n_misaligned"}
