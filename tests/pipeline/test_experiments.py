"""DVC's experiments and their queue on this project's parameters, with the stages that score."""

import json
import time
from pathlib import Path

import pytest
import yaml

from distalign.records.files import read_spec, write_jsonl, write_text
from distalign.records.schemas import Round
from tests.support.tiny_pipeline import (
    SOURCES,
    commit,
    make_repository,
    ran_stages,
    run,
    tiny_scale,
    write_yaml,
)

METHOD, N = "zero_shot", 20
NAME = f"smollm2-135m-attribute-attribute-uk_real-{METHOD}-0"
PLACE = f"smollm2-135m/attribute/attribute/uk_real/{METHOD}/0"
METRICS = f"metrics/{PLACE}.json"
SCORED = [f"{stage}@{NAME}" for stage in ("judge", "score")]
PREPARED = "smollm2-135m/attribute/uk_real"
# Stand for what models make; none of the stages that run here reads what is in them.
MADE = [
    "models/base/smollm2-135m/source.json",
    *(f"data/{kind}/uk_real/attribute.jsonl" for kind in ("prompts", "pool", "base")),
    *(f"data/{kind}/attribute/uk_real.jsonl" for kind in ("preferences", "validation")),
    f"models/warmup/{PREPARED}/0/policy.json",
    f"data/training/{PREPARED}/warmup/0.csv",
    f"models/policy/{PREPARED}/{METHOD}/0/policy.json",
    f"data/training/{PREPARED}/{METHOD}/0.csv",
]


def write_made(folder: Path) -> None:
    for name in MADE:
        write_text(folder / name, "step\n")
    for name in ("prompts", "responses"):
        write_text(folder / f"metrics/data/uk_real/attribute/{name}.json", '{"llm_share": 1}\n')
    spec = read_spec(folder / "data/targets/uk_real.json")
    rounds = [
        Round(
            context=context.name,
            round=i,
            prompt="p",
            text=f"They are {'female' if (i + place) % 3 else 'male'}.",
            drawn=None,
            probabilities=None,
            mass=None,
        )
        for place, context in enumerate(spec.contexts)
        for i in range(N)
    ]
    write_jsonl(folder / f"data/rounds/{PLACE}.jsonl", rounds)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own parameters, and one cell whose rounds are made up."""
    folder = tmp_path_factory.mktemp("experiments") / "repo"
    make_repository(folder, SOURCES)
    lists = {"methods": [METHOD], "decoding_methods": []}
    lists |= {"sensitivity_methods": [], "internal_methods": []}
    write_yaml(folder / "scale.yaml", tiny_scale() | lists)
    commit(folder, "code")
    run("dvc", "repro", "--single-item", "targets@uk_real", cwd=folder)
    write_made(folder)
    run("dvc", "repro", "--single-item", *SCORED, "report@default", cwd=folder)
    # What lies there is what the stages have made: let dvc.lock and the cache say so.
    run("dvc", "commit", "--force", cwd=folder)
    commit(folder, "results")
    assert "up to date" in run("dvc", "repro", cwd=folder)
    return folder


def read_json(repo: Path, *command: str) -> dict:
    lines = run("dvc", *command, "--json", cwd=repo).splitlines()
    return json.loads(next(line for line in lines if line.startswith(("{", "["))))


def experiments(repo: Path) -> dict[str, dict]:
    """Name -> what `dvc exp show` knows of each experiment since the last commit."""
    _, head = read_json(repo, "exp", "show")
    shown = [revision for found in head["experiments"] or [] for revision in found["revs"]]
    return {revision["name"]: revision for revision in shown}


def value(revision: dict, kind: str, file: str, *keys: str) -> object:
    found = revision["data"][kind][file]["data"]
    for key in keys:
        found = found[key]
    return found


@pytest.mark.slow
def test_an_experiment_changes_one_parameter_and_is_shown(repo: Path) -> None:
    params = (repo / "params.yaml").read_text(encoding="utf-8")
    before = yaml.safe_load(params)
    flags = ["--name", "seed-one", "--set-param", "score.seed=1"]
    assert ran_stages(run("dvc", "exp", "run", *flags, cwd=repo)) == {"check", "score", "report"}
    after = yaml.safe_load((repo / "params.yaml").read_text(encoding="utf-8"))
    assert after == before | {"score": before["score"] | {"seed": 1}}
    assert "seed: 1" in run("git", "diff", "params.yaml", cwd=repo)

    changed = read_json(repo, "params", "diff")["params.yaml"]
    assert changed == {"score.seed": {"old": 0, "new": 1, "diff": 1}}
    metrics = read_json(repo, "metrics", "diff")[METRICS]
    assert metrics
    assert metrics.keys() <= {"mae_ci_low", "mae_ci_high", "n_misaligned"}
    shown = experiments(repo)["seed-one"]
    assert value(shown, "params", "params.yaml", "score", "seed") == 1
    assert value(shown, "metrics", METRICS, "n_rounds") == 25 * N
    page = run("dvc", "plots", "diff", "--out", "plots-page", "HEAD", "seed-one", cwd=repo)
    assert "plots-page" in page
    html = (repo / "plots-page/index.html").read_text(encoding="utf-8")
    assert "Care workers" in html
    assert "seed-one" in html
    run("git", "checkout", "--quiet", ".", cwd=repo)


@pytest.mark.slow
def test_two_workers_run_a_queue(repo: Path) -> None:
    names = [f"resamples-{n}" for n in (200, 300)]
    for name, n in zip(names, (200, 300), strict=True):
        flags = ["--name", name, "--set-param", f"score.resamples={n}"]
        run("dvc", "exp", "run", "--queue", *flags, cwd=repo)
    assert all(name in run("dvc", "queue", "status", cwd=repo) for name in names)
    try:
        assert "Started '2'" in run("dvc", "queue", "start", "--jobs", "2", cwd=repo)
        last, end = "", time.monotonic() + 300
        while time.monotonic() < end and last.count("Success") < len(names):
            time.sleep(5)
            last = run("dvc", "queue", "status", cwd=repo)
            assert "Failed" not in last, run("dvc", "queue", "logs", names[0], cwd=repo)
        assert last.count("Success") == len(names), last
    finally:
        run("dvc", "queue", "stop", "--kill", cwd=repo)
    found = experiments(repo)
    for name, n in zip(names, (200, 300), strict=True):
        assert value(found[name], "params", "params.yaml", "score", "resamples") == n
        assert value(found[name], "metrics", METRICS, "n_rounds") == 25 * N
    # Nothing of it is in the workspace until it is applied.
    assert run("git", "status", "--porcelain", "--untracked-files=no", cwd=repo) == ""
    run("dvc", "exp", "apply", names[0], cwd=repo)
    params = yaml.safe_load((repo / "params.yaml").read_text(encoding="utf-8"))
    assert params["score"]["resamples"] == 200
