"""What one clone shares, another gets whole, from a folder, an SSH server and an S3 server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from dvc.config import Config

from tests.support.remote_servers import REMOTES, Remote
from tests.support.tiny_pipeline import commit, make_repository, run

PIPELINE = """
stages:
  draw:
    cmd: echo draw >> "$RAN" && mkdir rounds && date +%N > rounds/a && cp seed rounds/b
    deps: [seed]
    outs: [rounds]
  score:
    cmd: echo score >> "$RAN" && echo "{\\"bytes\\":$(date +1%N)}" > score.json
    deps: [rounds]
    metrics: [score.json: {cache: false}]
"""
"""A folder that DVC keeps and a result that git keeps; neither comes out the same twice."""
MADE = ["rounds/a", "rounds/b", "score.json"]


@pytest.fixture(autouse=True)
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where stages of this test write that they were run; nothing but the test is configured."""
    log = tmp_path / "ran"
    log.touch()
    monkeypatch.setenv("RAN", str(log))
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)
    return log


@pytest.fixture
def repo(tmp_path: Path, ran: Path) -> Path:
    """A repository whose stages are finished; the commit before has only the sources."""
    folder = tmp_path / "repo"
    make_repository(folder, [".dvc/config", ".dvcignore", ".dvc/.gitignore", "Makefile", "scales"])
    (folder / "seed").write_text("1\n", encoding="utf-8")
    (folder / "dvc.yaml").write_text(PIPELINE, encoding="utf-8")
    (folder / ".gitignore").write_text("/rounds\n__pycache__\n", encoding="utf-8")
    commit(folder, "sources")
    run("dvc", "repro", cwd=folder)
    assert ran.read_text(encoding="utf-8") == "draw\nscore\n"
    ran.write_text("", encoding="utf-8")
    return folder


@pytest.fixture(params=REMOTES)
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Remote]:
    with REMOTES[request.param](tmp_path) as remote:
        yield remote


def modify(repo: Path, settings: dict[str, str], *options: str) -> None:
    for name, value in settings.items():
        run("dvc", "remote", "modify", *options, "shared", name, value, cwd=repo)


def add_remote(repo: Path, remote: Remote) -> None:
    run("dvc", "remote", "add", "--default", "shared", remote.url, cwd=repo)
    modify(repo, remote.settings)
    modify(repo, remote.credentials, "--local")
    commit(repo, "finished")


def share(repo: Path) -> str:
    # The environment is there: what a target would install is left as it is.
    return run("make", "--old-file=.venv/.installed", "share", cwd=repo)


def clone(repo: Path, folder: Path, credentials: dict[str, str]) -> Path:
    run("git", "clone", "--quiet", str(repo), str(folder), cwd=repo)
    with Config(str(folder / ".dvc")).edit("local") as config:
        config["remote"] = {"shared": credentials}
    return folder


def read(repo: Path, names: list[str]) -> list[bytes]:
    return [(repo / name).read_bytes() for name in names]


def forget(repo: Path) -> None:
    """As if nothing had been finished when this was committed."""
    (repo / "dvc.lock").unlink()
    (repo / "score.json").unlink()


def test_another_clone_gets_all_and_computes_nothing(
    repo: Path, remote: Remote, tmp_path: Path, ran: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_remote(repo, remote)
    assert "2 results shared" in share(repo)
    assert "0 results shared" in run("python", "-m", "scales.share", cwd=repo)

    pulled = clone(repo, tmp_path / "pulled", remote.credentials)
    run("dvc", "pull", cwd=pulled)
    assert read(pulled, MADE) == read(repo, MADE)
    assert "up to date" in run("dvc", "repro", cwd=pulled)

    restored = clone(repo, tmp_path / "restored", {})
    for name, value in remote.environment.items():
        monkeypatch.setenv(name, value)
    forget(restored)
    run("dvc", "repro", "--pull", cwd=restored)
    assert read(restored, [*MADE, "dvc.lock"]) == read(repo, [*MADE, "dvc.lock"])
    assert ran.read_text(encoding="utf-8") == ""


@pytest.mark.parametrize("remote", ["ssh", "s3"], indirect=True)
def test_credentials_are_asked_for_and_stay_out_of_git(
    repo: Path, remote: Remote, tmp_path: Path
) -> None:
    add_remote(repo, remote)
    share(repo)
    local = (repo / ".dvc/config.local").read_text(encoding="utf-8")
    tracked = run("git", "log", "--all", "--patch", "--format=%B", cwd=repo)
    assert remote.url in tracked
    assert all(value in local and value not in tracked for value in remote.credentials.values())
    assert not any(secret in tracked for secret in remote.secrets)
    stranger = clone(repo, tmp_path / "other", remote.wrong)
    with pytest.raises(AssertionError, match="Permission denied|SignatureDoesNotMatch|Forbidden"):
        run("dvc", "pull", cwd=stranger)
    assert not (stranger / "rounds").exists()


def corrupt(repo: Path, remote: Path) -> bytes:
    """What the object of rounds/a now has: other bytes, as many, with the same mode."""
    lock = yaml.safe_load((repo / "dvc.lock").read_text(encoding="utf-8"))
    folder = lock["stages"]["draw"]["outs"][0]["md5"]
    objects = remote / "files/md5"
    listing = json.loads((objects / folder[:2] / folder[2:]).read_bytes())
    md5 = next(file["md5"] for file in listing if file["relpath"] == "a")
    path = objects / md5[:2] / md5[2:]
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(wrong := bytes(byte ^ 1 for byte in path.read_bytes()))
    path.chmod(mode)
    return wrong


@pytest.mark.parametrize("remote", ["folder", "ssh"], indirect=True)
def test_an_object_that_was_changed_is_refused(
    repo: Path, remote: Remote, tmp_path: Path, ran: Path
) -> None:
    add_remote(repo, remote)
    modify(repo, {"verify": "true"})
    commit(repo, "verify")
    share(repo)
    wrong = corrupt(repo, tmp_path / "remote")
    other = clone(repo, tmp_path / "other", remote.credentials)
    with pytest.raises(AssertionError, match="failed to pull.*\n.*rounds"):
        run("dvc", "pull", cwd=other)
    with pytest.raises(AssertionError, match="corrupted cache file"):
        run("dvc", "pull", "--verbose", cwd=other)
    assert not (other / "rounds").exists()
    # What is not to be had is computed.
    run("dvc", "repro", "--pull", cwd=other)
    assert ran.read_text(encoding="utf-8") == "draw\nscore\n"
    assert read(other, ["rounds/a"]) != [wrong]


@pytest.mark.parametrize("remote", ["folder"], indirect=True)
def test_what_was_cut_off_is_shared_the_next_time(
    repo: Path, remote: Remote, tmp_path: Path, ran: Path
) -> None:
    add_remote(repo, remote)
    objects = Path(remote.url) / "files"
    objects.parent.mkdir()
    objects.write_text("in the way", encoding="utf-8")
    with pytest.raises(AssertionError, match="files"):
        run("python", "-m", "scales.share", cwd=repo)
    objects.unlink()
    assert "2 results shared" in run("python", "-m", "scales.share", cwd=repo)
    other = clone(repo, tmp_path / "other", {})
    forget(other)
    run("dvc", "repro", "--pull", cwd=other)
    assert read(other, MADE) == read(repo, MADE)
    assert ran.read_text(encoding="utf-8") == ""
