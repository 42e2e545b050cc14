"""What vLLM's OpenAI-compatible server needs to answer in the target proportions.

`SteeringDraw` draws the first token where it is a steering token, and `hide_steering` takes it out
of the answer. vLLM imports both by name, in processes of its own; the steering tokens come to
them in the environment.
"""

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import torch
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from torch import Tensor
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor
from vllm.v1.sample.logits_processor.builtin import process_dict_updates

VARIABLE = "DISTALIGN_STEERING"
"""JSON: {"ids": [...], "tokens": [...]}."""
ANSWERS = ("/v1/chat/completions", "/v1/completions")
# With less probability than this on the steering tokens, the question is none of the policy's.
STEERED_MASS = 0.5


class SteeringDraw(LogitsProcessor):
    """Draws a steering token by P(token|prompt), whatever temperature the client asks for.

    A prompt after which the model expects no steering token is left alone.
    """

    def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool) -> None:
        self._ids = torch.tensor(json.loads(os.environ[VARIABLE])["ids"], device=device)
        self._generator = torch.Generator(device)
        self._generator.seed()
        self._new: dict[int, bool] = {}

    def is_argmax_invariant(self) -> bool:
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        def is_new(params: SamplingParams, prompt: Any, output: list[int]) -> bool | None:
            return None if output else True

        process_dict_updates(self._new, batch_update, is_new)

    def apply(self, logits: Tensor) -> Tensor:
        for row in self._new:
            chosen = draw_steering(logits[row], self._ids, self._generator)
            if chosen is not None:
                logits[row] = -torch.inf
                logits[row, chosen] = 0.0
        self._new.clear()
        return logits


def draw_steering(logits: Tensor, ids: Tensor, generator: torch.Generator) -> int | None:
    """A steering token by its probability among them; None where the model expects none.

    Args:
        logits: (V,) after the prompt.
        ids: (K,) of the steering tokens.
    """
    p = logits.float().softmax(-1)[ids]
    if p.sum() < STEERED_MASS:
        return None
    return int(ids[torch.multinomial(p, 1, generator=generator)])


class Hider:
    """Takes the steering token from the start of a text that comes whole or in pieces."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._held, self._begun = tokens, "", False

    def hide(self, piece: str, last: bool) -> str:
        """What of the text may be shown now; what may yet be a steering token is held back."""
        if self._begun:
            return piece
        self._held += piece
        for token in self._tokens:
            if not self._held.startswith(token):
                continue
            rest = self._held[len(token) :]
            text = rest.lstrip(" ")
            if not text and not last:
                return ""
            if text != rest or not rest:
                self._begun = True
                return text
        if not last and any(token.startswith(self._held) for token in self._tokens):
            return ""
        self._begun = True
        return self._held


def hide_in_answer(answer: dict[str, Any], tokens: list[str]) -> dict[str, Any]:
    """An OpenAI answer with its choices' texts shown as `Hider` does."""
    for choice in answer["choices"]:
        part = choice.get("message", choice)
        key = "content" if "message" in choice else "text"
        part[key] = Hider(tokens).hide(part[key] or "", last=True)
    return answer


async def hide_in_stream(chunks: AsyncIterator[bytes], tokens: list[str]) -> AsyncIterator[str]:
    """Server-sent events, each choice's text shown as `Hider` does."""
    hiders: dict[int, Hider] = {}
    held = ""
    async for chunk in chunks:
        held += chunk if isinstance(chunk, str) else chunk.decode()
        *events, held = held.split("\n\n")
        for event in events:
            data = event.removeprefix("data: ")
            if data.startswith("{"):
                event = f"data: {json.dumps(_hide_in_event(json.loads(data), hiders, tokens))}"
            yield f"{event}\n\n"


def _hide_in_event(
    event: dict[str, Any], hiders: dict[int, Hider], tokens: list[str]
) -> dict[str, Any]:
    for choice in event.get("choices", []):
        part = choice.get("delta", choice)
        key = "content" if "delta" in choice else "text"
        if part.get(key) is None:
            continue
        hider = hiders.setdefault(choice["index"], Hider(tokens))
        part[key] = hider.hide(part[key], last=choice.get("finish_reason") is not None)
    return event


async def hide_steering(
    request: Request, call_next: Callable[[Request], Awaitable[StreamingResponse]]
) -> Response:
    """Middleware: completions without their steering token, all else as it is."""
    response = await call_next(request)
    if request.url.path not in ANSWERS or response.status_code != 200:
        return response
    tokens = json.loads(os.environ[VARIABLE])["tokens"]
    headers = {k: v for k, v in response.headers.items() if k.lower() != "content-length"}
    if headers["content-type"].startswith("text/event-stream"):
        return StreamingResponse(hide_in_stream(response.body_iterator, tokens), headers=headers)
    body = b"".join([chunk async for chunk in response.body_iterator])
    return Response(json.dumps(hide_in_answer(json.loads(body), tokens)), headers=headers)
