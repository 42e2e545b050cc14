"""vLLM's engine, answering the policy's questions in proportion and all others as the base model.

A steering token that was drawn is the last token of the prompt that the engine continues. So no
endpoint of the server can show it: it is in no text, no `logprobs` and no token ids.
"""

import asyncio
import copy
import re
from collections.abc import AsyncGenerator, Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vllm import RequestOutput, SamplingParams
from vllm.exceptions import VLLMValidationError
from vllm.lora.request import LoRARequest
from vllm.sampling_params import RequestOutputKind
from vllm.utils.async_utils import merge_async_iterators

from distalign.models.steering import ADDED, STEERED_MASS, Steering
from distalign.sampling.drawing import draw_independent
from distalign.serving.streams import Apart, Opening

Generate = Callable[..., AsyncGenerator[RequestOutput, None]]
"""`generate` of vLLM's AsyncLLM, which every endpoint calls: (prompt, params, request id, …)."""
BEAM = re.compile(r"[0-9a-f]{16}-beam-\d+$")
"""Of the ids that vLLM's beam search gives to its requests, one for each beam and token. A client's
own id stands before."""
PROBES, SHOWN = 0, 1
"""Sides of `Apart`: requests for the steering tokens' probabilities, clients' with `logprobs`."""


class SteeredGenerate:
    """Takes the place of an engine's `generate`.

    Args:
        generate: the engine's own, of the base model.
        adapter: the policy's, which the engine has beside the base model.
    """

    def __init__(self, generate: Generate, adapter: LoRARequest, steering: Steering) -> None:
        self._generate, self._adapter, self._steering = generate, adapter, steering
        self._apart = Apart()

    async def __call__(
        self, prompt: Any, sampling_params: SamplingParams, request_id: str, **others: Any
    ) -> AsyncGenerator[RequestOutput, None]:
        """Answers of the policy where training has put half of the first token's probability on
        its steering tokens, of the base model elsewhere.

        Raises:
            VLLMValidationError: of a policy's question, a wish that the policy cannot meet in
                proportion; the server answers 400.
        """
        if BEAM.search(request_id):
            raise VLLMValidationError(
                "beam search has no proportions; leave out use_beam_search", parameter="n"
            )
        priority = others.get("priority", 0)
        p = await self._probabilities(prompt, request_id, priority, self._adapter)
        mass = p.sum()
        if mass >= STEERED_MASS and self._steering.form != ADDED:
            # "17 + 25 is 42" begins with a steering token of the form `digits`, and is the base
            # model's own answer: what the policy has learnt is what it adds to that.
            own = await self._probabilities(prompt, request_id, priority, None)
            mass -= own.sum()
        if mass < STEERED_MASS:
            params = base_params(sampling_params, self._steering)
            async for output in self._continued(prompt, params, request_id, **others):
                yield output
            return
        check_steerable(sampling_params)
        others["lora_request"] = self._adapter
        n = sampling_params.n
        choices = []
        for number in range(n):
            params = choice_params(sampling_params, number)
            drawn = draw(p, self._steering.ids, params.seed, prompt["prompt_token_ids"])
            name = request_id if n == 1 else f"{number}_{request_id}"
            longer = {**prompt, "prompt_token_ids": [*prompt["prompt_token_ids"], drawn]}
            choices.append(self._continued(longer, params, name, **others))
        whole: dict[int, Any] = {}
        openings = [Opening(sampling_params.output_kind) for _ in range(n)]
        n_finished = 0
        async for number, output in merge_async_iterators(*choices):
            n_finished += output.finished
            output.finished = n_finished == n
            output.request_id = request_id
            hide_drawn(output, prompt["prompt_token_ids"])
            (choice,) = output.outputs
            choice.index, choice.text = number, openings[number].shown(choice.text)
            if sampling_params.output_kind == RequestOutputKind.FINAL_ONLY:
                whole[number] = choice
                if not output.finished:
                    continue
                output.outputs = [whole[number] for number in range(n)]
            yield output

    async def _continued(
        self, prompt: Any, params: SamplingParams, name: str, **others: Any
    ) -> AsyncGenerator[RequestOutput, None]:
        asked = self._generate(prompt, params, name, **others)
        if params.logprobs is None:
            async for output in asked:
                yield output
            return
        # Read as they come: a client that reads slowly keeps no other request waiting.
        outputs: asyncio.Queue[RequestOutput | None] = asyncio.Queue()
        reading = asyncio.create_task(self._read_apart(asked, outputs))
        try:
            while (output := await outputs.get()) is not None:
                yield output
            await reading  # which raises what the engine has raised
        finally:
            reading.cancel()

    async def _read_apart(
        self,
        asked: AsyncGenerator[RequestOutput, None],
        outputs: "asyncio.Queue[RequestOutput | None]",
    ) -> None:
        try:
            async with self._apart.side(SHOWN):
                async for output in asked:
                    outputs.put_nowait(output)
        finally:
            outputs.put_nowait(None)

    async def _probabilities(
        self, prompt: Any, request_id: str, priority: int, adapter: LoRARequest | None
    ) -> NDArray[np.float64]:
        """P(token|prompt) over the steering tokens, (K,), of the base model with the adapter."""
        ids = self._steering.ids
        params = SamplingParams(
            max_tokens=1,
            temperature=0.0,
            detokenize=False,
            logprob_token_ids=ids,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        asked = self._generate(
            dict(prompt),
            params,
            f"{request_id}-{'base' if adapter is None else 'policy'}",
            lora_request=adapter,
            priority=priority,
        )
        async with self._apart.side(PROBES):
            async for output in asked:
                logprobs = output.outputs[0].logprobs[0]
        return np.exp([logprobs[token].logprob for token in ids])


def draw(p: NDArray[np.float64], ids: list[int], seed: int | None, prompt_ids: list[int]) -> int:
    """A steering token by its probability among them, whatever temperature a client asks for.

    With a seed it is the same for the same prompt, and independent between prompts: a client
    that gives all its questions one seed gets answers in proportion too.

    Args:
        p: (K,) of the tokens `ids`.
    """
    entropy = None if seed is None else [seed % 2**64, *prompt_ids]
    return ids[draw_independent(p / p.sum(), np.random.default_rng(entropy).random())]


def base_params(params: SamplingParams, steering: Steering) -> SamplingParams:
    """As they are; of tokens that were added for the policy, the base model writes none."""
    if steering.form != ADDED:
        return params
    params = copy.copy(params)
    params.bad_words = [*(params.bad_words or []), *steering.tokens]
    return params


def choice_params(params: SamplingParams, number: int) -> SamplingParams:
    """Of one of n choices, which vLLM gives a seed each too."""
    params = copy.copy(params)
    params.n = 1
    stops = [params.stop] if isinstance(params.stop, str) else params.stop or []
    if any(stop.startswith(" ") for stop in stops):
        # The space after the drawn token is no part of the answer, and ends none.
        params.min_tokens = max(params.min_tokens, 1)
    if params.seed is not None:
        params.seed += number
    return params


def check_steerable(params: SamplingParams) -> None:
    """Raises VLLMValidationError where what is asked for says nothing of a policy's answer."""
    if params.structured_outputs is not None:
        raise VLLMValidationError(
            "this question is answered in the proportions of a trained policy, in its own words: "
            "leave out response_format, structured_outputs and a required tool",
            parameter="response_format",
        )
    if params.logprob_token_ids is not None:
        raise VLLMValidationError(
            "this question is answered in the proportions of a trained policy: the probabilities "
            "of its first token are not shown",
            parameter="logprob_token_ids",
        )


def hide_drawn(output: RequestOutput, prompt_ids: list[int]) -> None:
    """Show the prompt as the client sent it."""
    output.prompt_token_ids = prompt_ids
    if output.prompt_logprobs is not None:
        output.prompt_logprobs = output.prompt_logprobs[: len(prompt_ids)]
