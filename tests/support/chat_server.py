"""A chat server that really listens, and fails as it is told to."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from distalign.llm.endpoint import Endpoint

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
