"""kill -9 in the middle of each stage: what was finished stays, and the result is the same."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import psutil
import pytest
import yaml

from distalign.records.files import read_jsonl, write_jsonl
from distalign.records.schemas import Attribute, Context, DatasetSpec, Judgement, Round
from tests.support.chat_server import ChatServer
from tests.support.paths import ROOT
from tests.support.tiny_pipeline import commit, make_tiny, run, tiny_params, write_yaml

CELL = "smollm2-135m-attribute-uk_real"
SAMPLED = "smollm2-135m-attribute-attribute-uk_real"
SAMPLED_PATH = "smollm2-135m/attribute/attribute/uk_real"
LIMIT_S = 300
SERVER_END_S = 30


def stored(repo: Path) -> list[str]:
    """The whole lines of the store of answers."""
    path = repo / ".llm_store/smollm2-135m.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()


def checkpoints(repo: Path) -> list[Path]:
    return sorted(repo.glob(".checkpoints/**/checkpoint-*/trainer_state.json"))


def shards(repo: Path) -> list[Path]:
    return sorted(repo.glob(".checkpoints/**/[0-9].jsonl"))


Finished = Callable[[Path], list]
POLICY = "smollm2-135m/attribute/uk_real"
# Stage; what of it is finished; what it writes; its steps or rounds, where a bar counts them.
STAGES: list[tuple[str, Finished, str, int | None]] = [
    ("paraphrase@attribute-uk_real", stored, "data/prompts/uk_real/attribute.jsonl", None),
    ("synthesize@attribute-uk_real", stored, "data/pool/uk_real/attribute.jsonl", None),
    (f"warmup@{CELL}-0", checkpoints, f"models/warmup/{POLICY}/0", 6),
    (f"train@{CELL}-ours-0", checkpoints, f"models/policy/{POLICY}/ours/0", 12),
    (f"sample@{SAMPLED}-ours-0", shards, f"data/rounds/{SAMPLED_PATH}/ours/0.jsonl", 24),
]


def make(folder: Path) -> Path:
    """A committed repository of the tiny experiment, with its inputs made."""
    make_tiny(folder)
    params = tiny_params()
    params["sample"]["shard"] = 4
    write_yaml(folder / "params.yaml", params)
    commit(folder, "code")
    run("dvc", "repro", "base_model", "targets", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The experiment without an interruption, as far as the rounds of `ours`."""
    folder = make(tmp_path_factory.mktemp("whole") / "repo")
    run("dvc", "repro", STAGES[-1][0], cwd=folder)
    return folder


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("cut") / "repo")


def servers(repo: Path) -> list[psutil.Process]:
    """vLLM's processes that were started from this repository."""
    found = []
    for process in psutil.process_iter():
        try:
            if "vllm" in " ".join(process.cmdline()).lower() and process.cwd() == str(repo):
                found.append(process)
        except psutil.Error:  # it has just ended
            continue
    return found


def kill_when(
    begun: Callable[[], bool],
    command: list[str],
    folder: Path,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """kill -9 the command and all of its group as soon as `begun` says so."""
    binaries = str(Path(sys.executable).parent)
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"} | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + LIMIT_S
        while not begun():
            assert process.poll() is None, f"{command} ended before it could be killed"
            assert time.monotonic() < deadline, f"{command} did not begin its work"
            time.sleep(0.005)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def contents(path: Path) -> dict[str, bytes]:
    """Every file of a folder, or the file itself."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    assert files
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "finished", "out", "total"), STAGES, ids=[stage.split("@")[0] for stage, *_ in STAGES]
)
def test_a_killed_stage_goes_on(
    stage: str, finished: Finished, out: str, total: int | None, whole: Path, cut: Path
) -> None:
    if "warmup" in stage:
        run("dvc", "repro", "pair@attribute-uk_real", cwd=cut)
    before = len(finished(cut))
    kill_when(lambda: len(finished(cut)) > before, ["dvc", "repro", "-s", stage], cut)
    assert not (cut / out).exists()
    kept = finished(cut)
    deadline = time.monotonic() + SERVER_END_S
    while servers(cut):
        assert time.monotonic() < deadline, "vLLM outlives the stage that has started it"
        time.sleep(0.2)

    printed = run("dvc", "repro", "-s", stage, cwd=cut)
    assert contents(cut / out) == contents(whole / out)
    if total is None:
        assert stored(cut)[: len(kept)] == kept
        keys = [json.loads(line)["key"] for line in stored(cut)]
        assert len(keys) == len(set(keys))
    else:
        counted = {int(done) for done in re.findall(rf"(\d+)/{total} \[", printed)}
        assert total in counted
        assert 1 not in counted, "the first step was done anew"


def test_a_killed_judge_asks_only_for_what_is_missing(
    chat_server: ChatServer, gender: Attribute, tmp_path: Path
) -> None:
    """The judge of stories, over the OpenAI API."""
    contexts = [Context(name="Nurses", target=[0.5, 0.5])]
    spec = DatasetSpec(name="jobs", target="even", attribute=gender, contexts=contexts)
    (tmp_path / "spec.json").write_text(spec.model_dump_json(), encoding="utf-8")
    rounds = [
        Round(
            context="Nurses",
            round=i,
            prompt="A story of a nurse?",
            text=f"This is story {i}.",
            drawn=None,
            probabilities=None,
            mass=None,
        )
        for i in range(40)
    ]
    write_jsonl(tmp_path / "rounds.jsonl", rounds)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["judge"] |= {"story": "llm", "constrained": False}
    params["judge"]["llm"] |= {"model": "judge", "base_url": chat_server.base_url, "in_flight": 2}
    write_yaml(tmp_path / "params.yaml", params)
    out, store = tmp_path / "judged.jsonl", tmp_path / "store"
    command = [sys.executable, "-m", "stages.judge", "--setting", "story"]
    command += ["--spec", str(tmp_path / "spec.json"), "--rounds", str(tmp_path / "rounds.jsonl")]
    command += ["--llm", "none", "--store", str(store), "--out", str(out)]

    def answer(body: dict) -> str:
        time.sleep(0.05)
        return "Male"

    chat_server.answer = answer
    environment = {"PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "key"}
    kill_when(lambda: len(chat_server.bodies) >= 10, command, tmp_path, environment)
    assert not out.exists()
    kept = len((store / "judge.jsonl").read_text(encoding="utf-8").splitlines())
    assert kept >= 8
    chat_server.bodies.clear()
    subprocess.run(command, cwd=tmp_path, env=os.environ | environment, check=True, timeout=LIMIT_S)
    assert len(read_jsonl(out, Judgement)) == 40
    assert len(chat_server.bodies) == 40 - kept
