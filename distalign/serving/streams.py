"""Answers on their way to a client: which may run side by side, and where their text begins."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vllm.sampling_params import RequestOutputKind


class Apart:
    """Requests of one side run side by side, and those of the other wait, in the order they came.

    On a CPU vLLM gives all requests of a batch the logprobs of one that names its tokens: a client
    that is shown logprobs beside a probe would miss its alternatives.
    """

    def __init__(self) -> None:
        self._door, self._n = asyncio.Lock(), [0, 0]
        self._empty = [asyncio.Event(), asyncio.Event()]
        for event in self._empty:
            event.set()

    @asynccontextmanager
    async def side(self, own: int) -> AsyncIterator[None]:
        async with self._door:
            await self._empty[1 - own].wait()
            self._n[own] += 1
            self._empty[own].clear()
        try:
            yield
        finally:
            self._n[own] -= 1
            if not self._n[own]:
                self._empty[own].set()


class Opening:
    """Takes the space between the steering token and the response from the response's start."""

    def __init__(self, kind: RequestOutputKind) -> None:
        self._in_pieces, self._begun = kind == RequestOutputKind.DELTA, False

    def shown(self, text: str) -> str:
        if self._begun:
            return text
        shown = text.lstrip(" ")
        self._begun = self._in_pieces and bool(shown)
        return shown
