"""A chat server that really listens, and fails as it is told to."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from distalign.llm.endpoint import Endpoint

Body = dict[str, Any]
Connect = Callable[..., Endpoint]
Failure = Literal[
    *("empty", "null", "silent", "error", "half", "filter", "spent", "thinking"),
    *("page", "drop", "short", "truncated", "late", "endless"),
]
"""A 200 without an answer: no choices; no text, or an empty one; an error in the body, or in the
choice; a filter; a budget that was spent on thinking, apart from the text or within it.
Or a web page; a connection that ends before the answer, or within it; half a JSON document; an
answer after the test's end; 10 MB of text."""


class ChatServer(ThreadingHTTPServer):
    """Answers /v1/chat/completions on loopback.

    `answer` makes the text from the request's body, or the whole message; `failures` are played
    before, one a request: an HTTP status or one of the words of `Failure`. It holds answers to
    the only choice if there is one, unless it knows no choices; and refuses the keys of `refused`.
    `tokens` is how many it says that the answer took.
    """

    request_queue_size = 256
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: Callable[[Body], str | Body] = lambda body: f"seed {body.get('seed')}"
        self.knows_choices = True
        self.refused: list[str] = []
        self.tokens: Callable[[Body], int] = lambda body: 1
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
            elif refused := [key for key in self.server.refused if key in body]:
                message = f"Unsupported value: '{refused[0]}' is not supported with this model."
                self._send(400, {"error": {"message": message, "param": refused[0]}})
            else:
                data = json.dumps(self._completion(body, failure)).encode()
                self._send(
                    200, data[:50] if failure == "truncated" else data, cut=failure == "short"
                )
        finally:
            with self.server.lock:
                self.server.at_once -= 1

    def _completion(self, body: Body, failure: Failure | None) -> Body:
        if failure == "error":  # in place of a completion
            return {"error": {"message": "played error", "code": 502}}
        choices = body.get("structured_outputs", {}).get("choice", [])
        is_held = len(choices) == 1 and self.server.knows_choices
        answer = choices[0] if is_held else self.server.answer(body)
        message = answer if isinstance(answer, dict) else {"content": answer}
        played: dict[Any, Body] = {
            "null": {"content": None},
            "silent": {"content": ""},
            "spent": {"content": None, "reasoning_content": "They are male, or"},
            "thinking": {"content": "<think>They are male, or"},
            "endless": {"content": "A word. " * 1_250_000},
        }
        message = {"role": "assistant", **played.get(failure, message)}
        reasons = {"filter": "content_filter", "spent": "length", "thinking": "length"}
        reason = reasons.get(failure, "stop")
        choice = {"index": 0, "finish_reason": reason, "message": message}
        if failure == "half":
            choice |= {"finish_reason": "error", "error": {"message": "played error"}}
        head = {"id": "1", "object": "chat.completion", "created": 0, "model": body["model"]}
        tokens = self.server.tokens(body)
        usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": 1 + tokens}
        return {**head, "choices": [] if failure == "empty" else [choice], "usage": usage}

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
