"""Two clones compute half of the cells each, at once; a third assembles the report."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.tiny_pipeline import ROOT, commit, make_repository, make_tiny, ran_stages, run

PLACE = "smollm2-135m-attribute-attribute-uk_real"
HALVES = [
    [f"{stage}@{PLACE}-zero_shot-0" for stage in ("score", "internal_alignment")],
    [f"{stage}@{PLACE}-ours-0" for stage in ("score", "decoding", "sensitivity")],
]
PREPARED = [
    f"retention@smollm2-135m-attribute-uk_real-{method}-0" for method in ("zero_shot", "ours")
]
"""What cells share is made once: two clones that made it would not agree to the last bit."""


def job(repo: Path, folder: Path, targets: list[str]) -> str:
    folder.mkdir()
    return run("bash", str(repo / "scales/job.sh"), str(repo), *targets, cwd=folder)


def add_remote(repo: Path, remote: Path) -> None:
    run("dvc", "remote", "add", "--default", "shared", str(remote), cwd=repo)


def assemble(repo: Path, folder: Path) -> str:
    run("git", "clone", "--quiet", str(repo), str(folder), cwd=repo)
    return run("dvc", "repro", "--pull", cwd=folder)


@pytest.mark.slow
def test_two_clones_share_the_cells_and_a_third_computes_none(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    make_tiny(repo)
    add_remote(repo, tmp_path / "remote")
    commit(repo, "tiny experiment")
    assert {"warmup", "retention"} <= ran_stages(job(repo, tmp_path / "prepare", PREPARED))
    with ThreadPoolExecutor() as pool:
        outputs = list(pool.map(job, [repo] * 2, [tmp_path / "one", tmp_path / "two"], HALVES))
    cell = {"sample", "judge", "score"}
    analyses = [{"internal_alignment"}, {"decoding", "sensitivity"}]
    assert [ran_stages(output) for output in outputs] == [cell | more for more in analyses]
    output = assemble(repo, tmp_path / "third")
    assert ran_stages(output) == {"check", "report"}
    for method in ("zero_shot", "ours"):
        place = f"smollm2-135m/attribute/attribute/uk_real/{method}/0"
        assert (tmp_path / f"third/metrics/{place}.json").is_file()
        assert (tmp_path / f"third/data/judgements/{place}.jsonl").is_file()
    assert (tmp_path / "third/report/default/results.html").is_file()


TINY = """
stages:
  prepare: {matrix: {of: [x]}, cmd: "date +%N > base", deps: [seed], outs: [base]}
  cell:
    matrix: {of: [a, b]}
    cmd: >-
      mkdir -p out metrics && cat base seed > out/${item.of} && wc -c < base > metrics/${item.of}
    deps: [base, seed]
    outs:
      - out/${item.of}
    metrics:
      - metrics/${item.of}: {cache: false}
  report: {matrix: {of: [x]}, cmd: cat out/* metrics/* > all, deps: [out, metrics], outs: [all]}
"""


def test_jobs_exchange_results_through_the_remote(tmp_path: Path) -> None:
    """The same with a pipeline of shell commands, whose first is not reproducible."""
    repo = tmp_path / "repo"
    make_repository(repo, [".dvc/config", ".dvcignore", "scales"])
    add_remote(repo, tmp_path / "remote")
    (repo / "seed").write_text("1\n", encoding="utf-8")
    (repo / "dvc.yaml").write_text(TINY, encoding="utf-8")
    (repo / ".gitignore").write_text("/base\n/out\n/all\n", encoding="utf-8")
    commit(repo, "tiny pipeline")
    assert ran_stages(job(repo, tmp_path / "prepare", ["prepare@x"])) == {"prepare"}
    with ThreadPoolExecutor() as pool:
        folders = [tmp_path / "one", tmp_path / "two"]
        outputs = list(pool.map(job, [repo] * 2, folders, [["cell@a"], ["cell@b"]]))
    assert [ran_stages(output) for output in outputs] == [{"cell"}, {"cell"}]
    assert ran_stages(job(repo, tmp_path / "again", ["cell@a"])) == set()
    assert ran_stages(assemble(repo, tmp_path / "third")) == {"report"}
    lines = (tmp_path / "third/all").read_text(encoding="utf-8").split("\n")
    # Both cells have seen the one result of `prepare`.
    assert lines[0] == lines[2]


def test_a_job_that_fails_says_so(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="does not exist"):
        run("bash", str(ROOT / "scales/job.sh"), str(tmp_path / "none"), "x", cwd=tmp_path)
