"""The endpoint's key is in no file, log or output of a stage, whatever the server answers."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from distalign.records.files import write_jsonl
from distalign.records.schemas import Round
from tests.support.chat_server import Body, ChatServer
from tests.support.tiny_pipeline import commit, make_repository, tiny_params, tiny_scale, write_yaml

KEY = "sk-planted-0123456789abcdefABCDEF"
SPEC = "data/targets/uk_real.json"
SOURCES = [
    ".dvc/config",
    ".dvcignore",
    ".gitignore",
    "data/attributes",
    "data/census",
    "distalign",
    "stages",
]
FOLDERS = ["--llm", "none", "--store", ".llm_store"]
COMMANDS = {
    "paraphrase": [
        *("--spec", SPEC, "--setting", "attribute", *FOLDERS),
        *("--out", "prompts.jsonl", "--report", "prompts.json"),
    ],
    "synthesize": [
        *("--spec", SPEC, "--setting", "attribute", *FOLDERS, "--out", "pool.jsonl"),
    ],
    "judge": [
        *("--spec", SPEC, "--setting", "story", *FOLDERS),
        *("--rounds", "rounds.jsonl", "--out", "judged.jsonl"),
    ],
}


@pytest.fixture
def repo(chat_server: ChatServer, tmp_path: Path) -> Path:
    """The sources, whose stages ask the chat server."""
    folder = tmp_path / "repo"
    make_repository(folder, SOURCES)
    params = tiny_params()
    params["llm"] |= {"model": "tests/writer", "base_url": chat_server.base_url}
    params["judge"]["story"] = "llm"
    params["judge"]["llm"] |= {"model": "tests/judge", "base_url": chat_server.base_url}
    write_yaml(folder / "params.yaml", params)
    write_yaml(folder / "scale.yaml", tiny_scale())
    commit(folder, "sources")
    chat_server.answer = answer
    made = ["--dataset", "uk_real", "--attributes", "data/attributes", "--out", SPEC]
    assert run_stage(folder, "targets", made).returncode == 0
    rounds = [
        Round(
            context="Care workers",
            round=i,
            prompt="p",
            text=f"She left at {i}.",
            drawn=None,
            probabilities=None,
            mass=None,
        )
        for i in range(4)
    ]
    write_jsonl(folder / "rounds.jsonl", rounds)
    return folder


def answer(body: Body) -> str:
    asked = body["messages"][-1]["content"]
    choices = body.get("structured_outputs", {}).get("choice", [])
    if len(choices) == 1:  # whether answers are held to the choices
        return choices[0]
    if asked.startswith("Rewrite: "):
        return asked.removeprefix("Rewrite: ")
    return "Female" if asked.startswith("Text: ") else "They are female."


def run_stage(repo: Path, stage: str, flags: list[str]) -> subprocess.CompletedProcess[str]:
    """With every log that the libraries can write turned on."""
    logs = {"OPENAI_LOG": "debug", "PYTHONASYNCIODEBUG": "1"}
    return subprocess.run(
        [sys.executable, "-m", f"stages.{stage}", *flags],
        cwd=repo,
        env={**os.environ, **logs, "OPENAI_API_KEY": KEY, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def files_with(text: str, folder: Path) -> Iterator[Path]:
    """Of all files below, those of Git and hidden ones among them, that hold the text."""
    for path in folder.rglob("*"):
        if path.is_file() and text.encode() in path.read_bytes():
            yield path.relative_to(folder)


def test_the_key_is_nowhere(repo: Path, chat_server: ChatServer) -> None:
    for stage, flags in COMMANDS.items():
        # One refusal that passes, and one that ends the stage; both quote the key.
        for failures, status in ([401], 1), ([429, 500], 0):
            chat_server.failures = [*failures]
            asked = len(chat_server.bodies)
            done = run_stage(repo, stage, flags)
            assert done.returncode == status, done.stderr[-2000:]
            assert len(chat_server.bodies) > asked
            assert chat_server.failures == []
            if status:
                # The server was sent the key, and sent it back.
                assert "played status 401 to Bearer …" in done.stderr
                assert "Traceback" not in done.stderr
            else:
                assert "500 Internal Server Error" in done.stderr
            assert KEY not in done.stdout + done.stderr
    stored = {path.name for path in (repo / ".llm_store").iterdir()}
    assert stored == {"tests--writer.jsonl", "tests--judge.jsonl"}
    commit(repo, "all that was written and is not ignored")
    assert not [*files_with(KEY, repo)]
    assert not [*files_with(KEY[3:19], repo)]  # nor cut
    # The search finds what is there.
    (repo / ".git/x").write_text(KEY)
    assert [*files_with(KEY, repo)] == [Path(".git/x")]
