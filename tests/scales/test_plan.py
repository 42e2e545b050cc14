"""The jobs of every scale are DVC's; what is cached is what DVC would restore; hours are right."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from distalign.planning.forecast import Experiment
from distalign.planning.hardware import HERE, Rates, seconds
from distalign.records.schemas import InputError
from scales.experiment import read_experiment, read_rates, read_yaml
from scales.locks import OTHERS, Job, jobs
from scales.plan import precision_of
from scales.state import cache_of, copy_sources, read_states
from scales.switch import switch
from tests.support.paths import ROOT

LARGE = {"paper", "embedded", "embedded_stories"}
SCALES = sorted(path.stem for path in ROOT.glob("scales/*.yaml") if "." not in path.stem)


@pytest.fixture(scope="module")
def rates() -> Rates:
    return read_rates(ROOT / "data/rates.yaml")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources").resolve()
    copy_sources(ROOT, folder)
    # What has run says nothing of what there is to run, and takes DVC seconds to read.
    (folder / "dvc.lock").unlink()
    (folder / OTHERS).unlink(missing_ok=True)
    return folder


def experiment(name: str, folder: Path, rates: Rates) -> tuple[list[Job], Experiment]:
    switch(name, folder)
    scale = read_yaml(folder / "scale.yaml")
    listed = list(jobs(read_yaml(folder / "dvc.yaml"), scale))
    return listed, read_experiment(folder, rates, scale, "bfloat16")


@pytest.mark.parametrize(
    "name",
    # Whose hundreds of jobs DVC resolves in many seconds.
    [pytest.param(n, marks=[pytest.mark.heavy] * (n in LARGE)) for n in SCALES],
)
def test_the_jobs_of_a_scale_are_those_of_dvc(name: str, sources: Path, rates: Rates) -> None:
    listed, planned = experiment(name, sources, rates)
    with Repo(str(sources), config={"core": {"no_scm": True}}) as repo:
        graph = repo.index.graph
    assert [job.name for job in listed] == list(dict.fromkeys(job.name for job in listed))
    assert {job.name for job in listed} == {stage.name for stage in graph}
    made = {out.fs_path for stage in graph for out in stage.outs}
    for stage in graph:
        # A stage waits for another, or reads what is in git.
        for dep in stage.deps:
            there = Path(dep.fs_path).exists()
            made_here = there or any(path.startswith(dep.fs_path) for path in made)
            assert made_here, f"{stage.name} needs {dep}"
    hours = [seconds(job.stage, planned.work(*job), rates, "h100") / 3600 for job in listed]
    assert min(hours) > 0


def test_the_size_of_the_papers_scale(sources: Path, rates: Rates) -> None:
    listed, planned = experiment("paper", sources, rates)
    by_stage = {
        job.stage: [other for other in listed if other.stage == job.stage] for job in listed
    }
    assert len(by_stage["warmup"]) == 6 * 6
    assert len(by_stage["train"]) == len(by_stage["score"]) == 6 * 6 * 9
    ours = {"model": "qwen2_5-7b", "training": "attribute", "dataset": "us_even", "method": "ours"}
    # 14 contexts x 100 rows are 2,800 texts: 700 steps of 4, three times.
    assert planned.work("train", ours).steps == 2100
    # Two epochs of 25 x 100 rows in steps of 4.
    assert planned.work("warmup", ours | {"dataset": "uk_real"}).steps == 1250
    # Rewritten for each occupation; the even data set is answered from the real one's store.
    asked = {"setting": "attribute", "dataset": "uk_real"}
    assert planned.work("paraphrase", asked).requests == 25 * 3 * 100 * 4
    assert planned.work("paraphrase", asked | {"dataset": "uk_even"}).requests == 0


REQUESTS = {
    "written": {"train": 700, "validation": 0, "test": 240},
    "own": {"train": 300, "validation": 0, "test": 60},
    "near_misses": {"train": 300, "validation": 0, "test": 120},
    "max_tokens": {"train": 8, "validation": 8, "test": 32},
}
HELD = {"retention_rows": 4}
SCHEDULES = {
    "ift": {"rows": 1400, "epochs": 2, "batch_size": 8} | HELD,
    "dpo": {"rows": 500, "epochs": 1, "batch_size": 8} | HELD,
    "ours": {"rows": 500, "epochs": 3, "batch_size": 16, "kl_rows": 0} | HELD,
}


def as_measured(planned: Experiment) -> Experiment:
    """The recipe with which jobs were timed."""
    limits = {"max_tokens": {"attribute": 40, "story": 90}}
    methods = {
        name: params.model_copy(update=SCHEDULES.get(name, {}))
        for name, params in planned.methods.items()
    }
    return replace(
        planned,
        sample=planned.sample.model_copy(update=limits),
        requests=planned.requests.model_copy(update=REQUESTS),
        methods=methods,
        warmup=planned.warmup.model_copy(update=HELD),
    )


CELL = {"model": "smollm2-135m", "training": "attribute", "setting": "attribute", "seed": "0"}


@pytest.mark.parametrize(
    ("stage", "method", "measured"),
    [
        ("warmup", None, 389),
        ("train", "ift", 984),
        ("train", "dpo", 245),
        ("train", "ours", 926),
        ("sample", "pe_implicit", 385),
        ("sample", "ift", 204),
        ("sample", "ours", 203),
        ("retention", "ift", 109),
        ("retention", "ours", 113),
    ],
)
def test_predicted_is_within_a_third_of_measured(
    stage: str, method: str | None, measured: float, sources: Path, rates: Rates
) -> None:
    """Seconds on one core, from the logs of runs; some of its rates are these."""
    _, planned = experiment("default", sources, rates)
    planned = as_measured(planned)
    job = Job(stage, CELL | {"dataset": "uk_real"} | ({"method": method} if method else {}))
    assert seconds(stage, planned.work(*job), rates, "cpu-1") == pytest.approx(measured, rel=0.3)


def test_what_the_jobs_of_the_default_scale_do(sources: Path, rates: Rates) -> None:
    _, planned = experiment("default", sources, rates)
    planned = as_measured(planned)
    item = CELL | {"dataset": "uk_real"}
    warmup = planned.work("warmup", item)
    # 8 rows of 23 + 19.4 tokens and 4 requests of 20 + 8; validation prompts, 50 six times.
    assert warmup.steps == 125
    assert warmup.read == pytest.approx(125 * (24 + 8 * 42.4 + 4 * 28) + 300 * 23)
    without = replace(planned, warmup=planned.warmup.model_copy(update={"retention_weight": 0.0}))
    assert warmup.read - without.work("warmup", item).read == pytest.approx(125 * 112)
    # 1,000 texts in steps of 16, three times.
    assert planned.work("train", item | {"method": "ours"}).steps == 186
    requests = planned.work("requests", item)
    assert requests.read == 1300 * (24 + 20)
    assert requests.written == 576 * 30 + 1000 * 8 + 300 * 32
    near = planned.work("near_misses", item)
    assert (near.read, near.written) == (420 * (24 + 20), 300 * 8 + 120 * 32)
    # 420 requests and answers, 16 to a header, and the texts, by two models.
    for method in ("ift", "external_warmup", "ours"):
        compared = planned.work("retention", item | {"method": method})
        assert compared.read == pytest.approx(2 * (420 * (1.5 + 20 + 32) + 700))
    assert planned.work("retention", item | {"method": "zero_shot"}).operations == 0


def test_a_bigger_model_takes_longer_and_a_method_without_adapter_does_not_train(
    sources: Path, rates: Rates
) -> None:
    _, planned = experiment("paper", sources, rates)
    item = CELL | {"dataset": "uk_real", "method": "ours"}
    small, large = (
        seconds("sample", planned.work("sample", item | {"model": model}), rates, "cpu-2")
        for model in ("qwen2_5-1_5b", "qwen2_5-7b")
    )
    assert 4 < (large - 15) / (small - 15) < 6
    prompted = planned.work("train", item | {"method": "zero_shot", "model": "qwen2_5-7b"})
    assert seconds("train", prompted, rates, "cpu-2") == rates.hardware["cpu-2"].other["rest"]


PIPELINE = """
stages:
  first: {matrix: {of: [a]}, cmd: cp a.txt b.txt, deps: [a.txt], outs: [b.txt]}
  second: {matrix: {of: [a]}, cmd: cp b.txt c.txt, deps: [b.txt], outs: [c.txt]}
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipeline of two jobs that has run; it is the current folder, as DVC wants it."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    monkeypatch.chdir(folder)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    (folder / "dvc.yaml").write_text(PIPELINE, encoding="utf-8")
    (folder / "a.txt").write_text("one", encoding="utf-8")
    with Repo.init() as repo:
        repo.reproduce()
    return folder


def states_of(folder: Path, name: str, cache: str = ".dvc/cache", remote: bool = True) -> list[str]:
    copy = folder.parent / name
    copy.mkdir()
    copy_sources(folder, copy)
    states, waits = read_states(copy, folder / cache, remote)
    assert waits == {"first@a": set(), "second@a": {"first@a"}}
    return [states["first@a"], states["second@a"]]


def test_what_dvc_would_restore_is_cached(tiny: Path) -> None:
    assert states_of(tiny, "as it is") == ["cached", "cached"]
    # Known by dvc.lock, while the data is elsewhere.
    assert states_of(tiny, "no cache", "other") == ["pull", "pull"]
    assert states_of(tiny, "no cache, no remote", "other", remote=False) == ["run", "run"]
    (tiny / "a.txt").write_text("two", encoding="utf-8")
    assert states_of(tiny, "changed") == ["run", "run"]
    with Repo() as repo:
        repo.reproduce()
    (tiny / "a.txt").write_text("one", encoding="utf-8")
    # dvc.lock has the second run, the run-cache still has the first.
    assert states_of(tiny, "and back") == ["cached", "cached"]
    text = PIPELINE.replace("cp b.txt c.txt", "cp b.txt c.txt && true")
    (tiny / "dvc.yaml").write_text(text, encoding="utf-8")
    assert states_of(tiny, "second changed") == ["cached", "run"]
    assert states_of(tiny, "changed, no cache", "other") == ["run", "run"]
    (tiny / "a.txt").write_text("two", encoding="utf-8")
    assert states_of(tiny, "second changed, no cache", "other") == ["pull", "run"]
    assert (tiny / "c.txt").read_text(encoding="utf-8") == "two"


@pytest.mark.parametrize("name", ["h100", "cpu-2"])
def test_named_hardware_has_the_rates_of_bfloat16(name: str, tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    for said in ("auto", "bfloat16"):
        file.write_text(f"precision: {said}\n", encoding="utf-8")
        assert precision_of(name, file) == "bfloat16"
    file.write_text("precision: float32\n", encoding="utf-8")
    assert precision_of(HERE, file) == "float32"
    with pytest.raises(InputError, match=f"rates of {name} .* HARDWARE=here"):
        precision_of(name, file)


@pytest.mark.heavy  # measures the processor
def test_the_plan_for_this_machine_says_what_was_measured(tmp_path: Path) -> None:
    copy_sources(ROOT, tmp_path)
    params = tmp_path / "params.yaml"
    text = params.read_text(encoding="utf-8").replace("precision: auto", "precision: float32")
    params.write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "-f"], cwd=tmp_path, check=True)
    done = subprocess.run(
        [sys.executable, "-m", "scales.plan", "--scale", "quick"],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    said, table, together = done.stdout.split("\n\n")
    assert re.fullmatch(
        r"quick on .+ \(\d+ cores, .+\), in float32\. Measured just now with blocks of "
        r"smollm2-135m, in 1 thread: \d+ GFLOP/s in training, "
        r"\d+ tokens a second read and \d+ written\.",
        said,
    )
    hours = {line.split()[0]: float(line.split()[-2]) for line in table.splitlines()[1:]}
    assert 0 < hours["train"] < hours["all"]
    # Nothing is cached, and there is no remote to pull from.
    minutes = re.findall(r"(\d+) minutes", together)
    assert len(minutes) == 2
    assert minutes[0] == minutes[1]
    assert 0 < int(minutes[0]) <= 60 * hours["all"] + 1


def test_the_cache_and_the_remote_are_those_of_the_project(tiny: Path) -> None:
    assert cache_of(tiny) == (tiny / ".dvc/cache", False)
    command = [sys.executable, "-m", "dvc", "remote", "add", "--default", "--local"]
    subprocess.run([*command, "one", str(tiny.parent / "one")], check=True)
    assert cache_of(tiny)[1]


def test_rates_are_read_strictly(tmp_path: Path) -> None:
    content = yaml.safe_load((ROOT / "data/rates.yaml").read_text(encoding="utf-8"))
    del content["hardware"]["cpu-1"]["served"]
    (tmp_path / "rates.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(InputError, match="(?s)rates.yaml: .*served"):
        read_rates(tmp_path / "rates.yaml")
