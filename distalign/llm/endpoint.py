"""Ask an LLM over the OpenAI API: many requests in flight, each answer paid for once.

Answers are kept in an append-only store outside the pipeline's outputs, keyed by all that
decides them, so that an interrupted or repeated stage asks only for what it lacks.
"""

import asyncio
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tqdm import tqdm

from distalign.llm.asking import (
    TEMPERATURE_REFUSED,
    Asker,
    AskingParams,
    Request,
    open_client,
    read_key,
)
from distalign.llm.faults import Faults, NoAnswerError, UnexpectedAnswerError, reason, summary
from distalign.llm.store import Store
from distalign.machine.precision import PrecisionParams
from distalign.records.files import read_source
from distalign.records.schemas import InputError

if TYPE_CHECKING:
    from distalign.llm.server import ModelServer


class EndpointParams(AskingParams):
    """The `llm` block of params.yaml."""

    serve: str
    """Base model that is served on loopback where `model` is null."""


class Endpoint:
    """An OpenAI-compatible endpoint behind a store of its answers.

    Args:
        params: what decides its answers.
        model: the name that is asked for.
        identity: what decides an answer beside the request (model and its weights).
        store: JSONL file of its answers, appended to.
        server: started at the first request that the store cannot answer; None for an
            endpoint that runs elsewhere.
    """

    def __init__(
        self,
        params: AskingParams,
        model: str,
        identity: str,
        store: Path,
        server: "ModelServer | None",
    ) -> None:
        self._params = params
        self._model = model
        self._identity = identity
        self._store = Store(store)
        self._server = server
        self._refusal = f"{TEMPERATURE_REFUSED}: {identity}"
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
            print(f"{self._store.path}: {summary(self.n_asked, self.faults)}", file=sys.stderr)
        if self._server is not None:
            self._server.stop()

    @property
    def temperature(self) -> float | None:
        """That of all answers; None where none was asked for, or the endpoint has refused it."""
        return None if self._refusal in self._store.answers else self._params.temperature

    def complete(self, requests: Sequence[Request], label: str) -> list[str]:
        """Answer all requests, in their order.

        An answer is empty where a filter, or the model, gives no text in several tries. Such
        answers are not stored: the next run asks again.

        Raises:
            InputError: the endpoint refused (wrong key, unknown model), kept failing after
                retries with back-off, or answers without a text. What was answered until
                then stays stored, and so do the answers of requests that were in flight.
        """
        keys = [self._key(request) for request in requests]
        missing = {
            key: request
            for key, request in zip(keys, requests, strict=True)
            if key not in self._store.answers
        }
        if missing:
            asyncio.run(self._ask(missing, label))
        return [self._store.answers.get(key, "") for key in keys]

    def lacking(self, requests: Sequence[Request]) -> list[Request]:
        """The distinct requests that the store cannot answer."""
        distinct = {self._key(request): request for request in requests}
        return [distinct[key] for key in distinct.keys() - self._store.answers.keys()]

    def _key(self, request: Request) -> str:
        params = self._params
        decides = [self._identity, params.temperature, params.seeded]
        if params.effort or params.thinking_tokens:
            decides += [params.effort, params.thinking_tokens]
        text = json.dumps([*decides, request.model_dump(exclude_none=True)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    async def _ask(self, missing: dict[str, Request], label: str) -> None:
        from openai import OpenAIError

        url, api_key = self._params.url, "loopback"
        if self._server is None:
            api_key = read_key()
        else:
            self._server.start()
            url = self._server.base_url
        gate = asyncio.Semaphore(self._params.in_flight)
        failed: list[Exception] = []
        async with open_client(url, api_key, self.faults) as client:
            asker = Asker(client, self._model, self._params, self.faults, self.temperature)

            async def answer(key: str, request: Request) -> None:
                async with gate:
                    if failed:
                        return
                    try:
                        text = await asker.ask(request)
                    except (OpenAIError, UnexpectedAnswerError, NoAnswerError) as error:
                        # Those in flight are paid for: let them finish.
                        failed.append(error)
                        return
                if asker.temperature != self.temperature:
                    self._store.add(self._refusal, TEMPERATURE_REFUSED)
                if text is not None:
                    self._store.add(key, text)
                    self.n_asked += 1
                bar.update()

            if self._server is None and any(request.choices for request in missing.values()):
                try:
                    await asker.check_choices()
                except (OpenAIError, UnexpectedAnswerError, NoAnswerError) as error:
                    # Without its cause, which may quote the key.
                    raise InputError(f"{url}: {reason(error, api_key)}") from None
            with self._store.open(), tqdm(total=len(missing), desc=label, unit="request") as bar:
                async with asyncio.TaskGroup() as group:
                    for key, request in missing.items():
                        group.create_task(answer(key, request))
        if failed:
            raise InputError(
                f"{url}: {reason(failed[0], api_key)}; "
                f"finished answers are in {self._store.path}, run again to go on"
            )


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
    if params.model is not None:
        return open_remote(params, store_folder)
    from distalign.llm.server import ModelServer

    server = ModelServer(base, params.serve, precision, store_folder / "server.log")
    store = _store_of(params.serve, store_folder)
    source = read_source(base)
    identity = source["sha256"] + source.get("template", "")
    return Endpoint(params, params.serve, identity, store, server)


def open_remote(params: AskingParams, store_folder: Path) -> Endpoint:
    """The endpoint that runs elsewhere, under `params.model`."""
    store = _store_of(params.model, store_folder)
    return Endpoint(params, params.model, f"{params.url} {params.model}", store, None)


def _store_of(model: str, folder: Path) -> Path:
    return folder / f"{model.replace('/', '--')}.jsonl"
