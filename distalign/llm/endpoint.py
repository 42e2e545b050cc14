"""Ask an LLM over the OpenAI API: many requests in flight, each answer paid for once.

Answers are kept in an append-only store outside the pipeline's outputs, keyed by all that
decides them, so that an interrupted or repeated stage asks only for what it lacks.
"""

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field
from tqdm import tqdm

from distalign.llm.faults import (
    Faults,
    UnexpectedAnswerError,
    counting_client,
    read_text,
    reason,
    summary,
)
from distalign.machine.precision import PrecisionParams
from distalign.records.files import read_source
from distalign.records.schemas import InputError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from distalign.llm.server import ModelServer

MAX_RETRIES = 8
TIMEOUT_S = 300
KEY_VARIABLE = "OPENAI_API_KEY"


class EndpointParams(BaseModel):
    """The `llm` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    serve: str
    """Base model that is served on loopback where `model` is null."""
    model: str | None
    """Name of a model at `base_url`; its key comes from OPENAI_API_KEY."""
    base_url: str | None
    in_flight: int = Field(ge=1)
    temperature: float = Field(ge=0)
    seeded: bool
    """Send a seed with each request; endpoints that refuse it need false."""


class Request(BaseModel):
    """One chat completion; `seed` tells rounds apart that are otherwise alike."""

    messages: list[dict[str, str]]
    max_tokens: int
    seed: int
    choices: list[str] | None = None
    """The only answers allowed, for an endpoint that knows vLLM's structured outputs."""


class Endpoint:
    """An OpenAI-compatible endpoint behind a store of its answers.

    Args:
        params: the `llm` block.
        identity: what decides an answer beside the request (model and its weights).
        store: JSONL file of {"key", "text"}, appended to.
        server: started at the first request that the store cannot answer; None for an
            endpoint that runs elsewhere.
    """

    def __init__(
        self, params: EndpointParams, identity: str, store: Path, server: "ModelServer | None"
    ) -> None:
        self._params = params
        self._identity = identity
        self._store = store
        self._server = server
        self._answers = _read_store(store)
        self.n_asked = 0
        self.faults = Faults()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.faults:
            print(f"{self._store}: {summary(self.n_asked, self.faults)}", file=sys.stderr)
        if self._server is not None:
            self._server.stop()

    def complete(self, requests: Sequence[Request], label: str) -> list[str]:
        """Answer all requests, in their order.

        Raises:
            InputError: the endpoint refused (wrong key, unknown model) or kept failing
                after retries with back-off. What was answered until then stays stored, and
                so do the answers of requests that were in flight.
        """
        keys = [self._key(request) for request in requests]
        missing = {
            key: request
            for key, request in zip(keys, requests, strict=True)
            if key not in self._answers
        }
        if missing:
            asyncio.run(self._ask(missing, label))
        return [self._answers[key] for key in keys]

    def _key(self, request: Request) -> str:
        decides = [self._identity, self._params.temperature, self._params.seeded]
        text = json.dumps([*decides, request.model_dump(exclude_none=True)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    async def _ask(self, missing: dict[str, Request], label: str) -> None:
        from openai import AsyncOpenAI, OpenAIError

        if self._server is not None:
            self._server.start()
            base_url, api_key = self._server.base_url, "loopback"
        else:
            base_url, api_key = self._params.base_url, os.environ.get(KEY_VARIABLE)
            if not api_key:
                raise InputError(f"llm.model is set: export its key as {KEY_VARIABLE}")
            if not (api_key.isascii() and api_key.isprintable()):
                raise InputError(f"{KEY_VARIABLE} holds a line break or a sign that no key has")
        self._store.parent.mkdir(parents=True, exist_ok=True)
        end_last_line(self._store)
        gate = asyncio.Semaphore(self._params.in_flight)
        failed: list[Exception] = []
        async with AsyncOpenAI(
            base_url=base_url,
            api_key=api_key,
            max_retries=MAX_RETRIES,
            timeout=TIMEOUT_S,
            http_client=counting_client(self.faults, base_url),
        ) as client:
            with (
                self._store.open("a", encoding="utf-8") as store,
                tqdm(total=len(missing), desc=label, unit="request") as bar,
            ):

                async def answer(key: str, request: Request) -> None:
                    async with gate:
                        if failed:
                            return
                        try:
                            text = await self._one(client, request)
                        except (OpenAIError, UnexpectedAnswerError) as error:
                            # Those in flight are paid for: let them finish.
                            failed.append(error)
                            return
                    self._answers[key] = text
                    store.write(json.dumps({"key": key, "text": text}) + "\n")
                    store.flush()
                    self.n_asked += 1
                    bar.update()

                async with asyncio.TaskGroup() as group:
                    for key, request in missing.items():
                        group.create_task(answer(key, request))
        if failed:
            raise InputError(
                f"{base_url or 'the OpenAI API'}: {reason(failed[0], api_key)}; "
                f"finished answers are in {self._store}, run again to go on"
            )

    async def _one(self, client: "AsyncOpenAI", request: Request) -> str:
        from openai import omit

        for _ in range(1 + MAX_RETRIES):
            try:
                answer = await client.chat.completions.create(
                    model=self._params.model or self._params.serve,
                    messages=request.messages,
                    max_completion_tokens=request.max_tokens,
                    temperature=self._params.temperature,
                    seed=request.seed if self._params.seeded else omit,
                    extra_body=request.choices
                    and {"structured_outputs": {"choice": request.choices}},
                )
            except (json.JSONDecodeError, UnicodeDecodeError):
                self.faults["truncated JSON"] += 1
                continue
            return read_text(answer, request.max_tokens, self.faults)
        raise UnexpectedAnswerError("not one whole JSON document in all tries")


def end_last_line(path: Path) -> None:
    """Let what is appended start on a line of its own, whatever a crash left behind."""
    if path.is_file() and not path.read_bytes().endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")


def _read_store(path: Path) -> dict[str, str]:
    """Stored answers; a last line that a crash cut short is passed over."""
    if not path.is_file():
        return {}
    answers = {}
    for line in path.read_text(encoding="utf-8").split("\n"):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(row, dict):
            answers[row["key"]] = row["text"]
    return answers


def open_endpoint(
    params: EndpointParams, base: Path, precision: PrecisionParams, store_folder: Path
) -> Endpoint:
    """The endpoint that the `llm` block describes.

    Args:
        params: the block.
        base: folder of the base model `params.serve`, with its source.json.
        precision: in which it is served.
        store_folder: where answers are kept, one file a model.
    """
    from distalign.llm.server import ModelServer

    if params.model is not None:
        identity, server = f"{params.base_url} {params.model}", None
        name = params.model
    else:
        identity = read_source(base)["sha256"]
        server = ModelServer(base, params.serve, precision, store_folder / "server.log")
        name = params.serve
    store = store_folder / f"{name.replace('/', '--')}.jsonl"
    return Endpoint(params, identity, store, server)
