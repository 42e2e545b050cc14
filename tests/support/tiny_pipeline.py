"""The real DAG on tiny parameters, in a repository of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.support.paths import ROOT

SOURCES = [
    ".dvc/config",
    ".dvcignore",
    ".dvc/plots",
    ".gitignore",
    "data/attributes",
    "data/capabilities",
    "data/requests",
]
SOURCES += ["data/census", "data/examples", "data/judge", "data/paper", "distalign", "dvc.yaml"]
SOURCES += ["data/stated", "params.yaml", "scale.yaml", "scales", "stages"]
TIMEOUT_S = 1700
"""Of a command; less than a test's."""
CELLS = ["zero_shot", "ours"]


def run(*command: str, cwd: Path) -> str:
    """Run a command in the environment of this interpreter; its output on success."""
    binaries = str(Path(sys.executable).parent)
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, f"{command} in {cwd}:\n{done.stdout[-6000:]}"
    return done.stdout


def commit(repo: Path, message: str) -> None:
    run("git", "add", ".", cwd=repo)
    run("git", "commit", "--quiet", "-m", message, cwd=repo)


def tiny_params() -> dict:
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["targets"]["max_contexts"] = 3
    params["paraphrase"]["attribute"] |= {"per_split": 8, "batch": 32}
    params["synthesize"]["attribute"] |= {"pool": 3}
    params["pair"]["responses"] = 8
    params["warmup"] |= {"rows": 24, "batch_size": 4, "calibration_prompts": 6}
    params["train"]["ours"] |= {"rows": 24, "epochs": 1, "batch_size": 4}
    params["train"]["ours"]["calibration_prompts"] = 6
    few = {"train": 6, "validation": 0, "test": 3}
    params["requests"] |= {"written": few, "own": few, "near_misses": few}
    params["sample"]["n"] = 8
    # Room for enough valid answers of so few rounds that intervals have something to resample.
    params["sample"]["max_tokens"]["attribute"] = 40
    params["sensitivity"] |= {"n": 2, "seeds": [0, 1], "grids": {"temperature": [0.5, 1.0]}}
    params["score"]["resamples"] = 50
    return params


def tiny_scale() -> dict:
    scale = yaml.safe_load((ROOT / "scales/default.yaml").read_text(encoding="utf-8"))
    analyses = {"sensitivity_methods": ["ours"], "internal_methods": ["zero_shot"]}
    lists = {"datasets": ["uk_real"], "methods": CELLS, "decoding_methods": ["ours"]}
    return scale | lists | analyses


def write_yaml(path: Path, content: dict) -> None:
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def make_repository(folder: Path, names: list[str]) -> None:
    """A Git repository with copies of these files and folders, not committed."""
    for name in names:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    run("git", "init", "--quiet", "--initial-branch", "main", cwd=folder)
    run("git", "config", "user.email", "test@example.org", cwd=folder)
    run("git", "config", "user.name", "test", cwd=folder)


def make_tiny(folder: Path) -> None:
    """The sources with the tiny experiment's parameters, not committed."""
    make_repository(folder, SOURCES)
    write_yaml(folder / "params.yaml", tiny_params())
    write_yaml(folder / "scale.yaml", tiny_scale())


def ran_stages(output: str) -> set[str]:
    prefix = "Running stage '"
    return {
        line.removeprefix(prefix).split("'")[0].split("@")[0]
        for line in output.splitlines()
        if line.startswith(prefix)
    }
