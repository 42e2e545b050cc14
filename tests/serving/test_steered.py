"""The served policy: steering tokens are drawn by probability and stand in no answer."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import pytest
from vllm import CompletionOutput, RequestOutput, SamplingParams
from vllm.exceptions import VLLMValidationError
from vllm.logprobs import Logprob
from vllm.lora.request import LoRARequest
from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

from distalign.models.steering import Steering
from distalign.serving.steered import SteeredGenerate, draw

STEERING = Steering(form="digits", tokens=["0", "1"], ids=[5, 6])
ADDED = Steering(form="added", tokens=["<a>", "<b>"], ids=[5, 6])
ADAPTER = LoRARequest("policy", 1, "a-folder")
PROMPT = [1, 2, 3]
OWN = (0.01, 0.02)
DELTA, FINAL = RequestOutputKind.DELTA, RequestOutputKind.FINAL_ONLY


class Engine:
    """Yields literal pieces of an answer; notes what it was asked for.

    Args:
        p: of the two steering tokens, by the policy.
        own: by the base model.
    """

    def __init__(self, p: list[float], pieces: list[str], own: Sequence[float] = OWN) -> None:
        self.p, self.own, self.pieces, self.asked = p, own, pieces, []

    async def __call__(
        self, prompt: Any, params: SamplingParams, name: str, **others: Any
    ) -> AsyncIterator[RequestOutput]:
        self.asked.append((prompt["prompt_token_ids"], params, name, others["lora_request"]))
        pieces, logprobs = self.pieces, None
        if params.logprob_token_ids:
            both = self.p if others["lora_request"] else self.own
            logprobs = [{k: Logprob(math.log(p)) for k, p in zip([5, 6], both, strict=True)}]
            pieces = [""]
        if params.output_kind == FINAL:
            pieces = ["".join(pieces)]
        for number, piece in enumerate(pieces):
            await asyncio.sleep(0)
            last = number == len(pieces) - 1
            yield RequestOutput(
                name,
                None,
                prompt["prompt_token_ids"],
                [None] * len(prompt["prompt_token_ids"]),
                [CompletionOutput(0, piece, [9], None, logprobs, finish_reason="stop" * last)],
                last,
            )


def answers(
    engine: Engine, params: SamplingParams, steering: Steering = STEERING, name: str = "r"
) -> list[RequestOutput]:
    async def read() -> list[RequestOutput]:
        generate = SteeredGenerate(engine, ADAPTER, steering)
        prompt = {"type": "token", "prompt_token_ids": PROMPT}
        return [row async for row in generate(prompt, params, name, lora_request=None)]

    return asyncio.run(read())


@pytest.mark.parametrize(
    "text", ["1 kg is 1000 g", "1", "he said hello", " a space", "0 They are male."]
)
@pytest.mark.parametrize("kind", [DELTA, FINAL])
def test_another_question_gets_the_base_models_answer_as_it_is(
    text: str, kind: RequestOutputKind
) -> None:
    engine = Engine([0.3, 0.1], list(text))
    params = SamplingParams(seed=3, temperature=0.7, output_kind=kind)
    assert "".join(row.outputs[0].text for row in answers(engine, params)) == text
    probe, asked = engine.asked
    assert probe[3] is ADAPTER
    assert (asked[0], asked[2], asked[3]) == (PROMPT, "r", None)
    assert asked[1] is params


def test_an_answer_that_the_base_model_begins_with_such_a_token_is_its_own() -> None:
    engine = Engine([0.1, 0.8], ["17", " and 25 is 42"], own=[0.1, 0.7])
    (row,) = answers(engine, SamplingParams(output_kind=FINAL))
    assert row.outputs[0].text == "17 and 25 is 42"
    assert engine.asked[-1][3] is None
    engine = Engine([0.1, 0.8], [" Male"], own=[0.2, 0.1])
    assert answers(engine, SamplingParams(output_kind=FINAL))[0].outputs[0].text == "Male"
    # An added token is in no text of the base model, whatever its row gives there.
    engine = Engine([0.1, 0.8], [" Male"], own=[0.1, 0.8])
    (row,) = answers(engine, SamplingParams(output_kind=FINAL), ADDED)
    assert row.outputs[0].text == "Male"


@pytest.mark.parametrize("kind", [DELTA, FINAL])
def test_a_drawn_token_is_read_and_never_shown(kind: RequestOutputKind) -> None:
    engine = Engine([0.0001, 0.9998], ["", " ", " They", " are", " 1 of 2"])
    params = SamplingParams(temperature=0.0, output_kind=kind, prompt_logprobs=0)
    rows = answers(engine, params)
    assert "".join(row.outputs[0].text for row in rows) == "They are 1 of 2"
    asked = engine.asked[2]
    assert asked[0] == [*PROMPT, 6]
    assert asked[3] is ADAPTER
    for row in rows:
        assert row.prompt_token_ids == PROMPT
        assert len(row.prompt_logprobs) == len(PROMPT)
        assert row.request_id == "r"


@pytest.mark.parametrize("kind", [DELTA, FINAL])
def test_each_of_several_choices_has_its_own_draw(kind: RequestOutputKind) -> None:
    engine = Engine([0.5, 0.5], [" They", "."])
    rows = answers(engine, SamplingParams(n=40, seed=1, output_kind=kind))
    assert [row.finished for row in rows].count(True) == 1
    assert rows[-1].finished
    texts = [""] * 40
    for row in rows:
        for choice in row.outputs:
            texts[choice.index] += choice.text
    assert texts == ["They."] * 40
    asked = engine.asked[2:]
    assert len({name for _, _, name, _ in asked}) == 40
    assert [params.seed for _, params, _, _ in asked] == list(range(1, 41))
    drawn = [ids[-1] for ids, _, _, _ in asked]
    assert 8 < drawn.count(5) < 32


def test_what_a_policy_cannot_answer_in_proportion_is_refused() -> None:
    structured = SamplingParams(structured_outputs=StructuredOutputsParams(choice=["a", "b"]))
    for params in (structured, SamplingParams(max_tokens=1, logprob_token_ids=[7])):
        with pytest.raises(VLLMValidationError, match="in the proportions of a trained policy"):
            answers(Engine([0.5, 0.5], ["a"]), params)
    engine = Engine([0.1, 0.1], ["a"])
    assert answers(engine, structured)[-1].outputs[0].text == "a"
    with pytest.raises(VLLMValidationError, match="beam search"):
        answers(engine, SamplingParams(max_tokens=1), name=f"chatcmpl-{'0a' * 8}-beam-0")
    # vLLM puts a client's own id into the request's.
    assert answers(engine, SamplingParams(), name="chatcmpl-moon-beam-7")[-1].outputs


def test_a_space_that_would_end_an_answer_before_it_begins_ends_none() -> None:
    """`stop=" "` asks for the first word: the space after the hidden token does not count."""
    for stop, least in ((" ", 1), ([".", " a"], 1), (["."], 0), (None, 0)):
        engine = Engine([0.5, 0.5], [" They"])
        answers(engine, SamplingParams(stop=stop))
        assert engine.asked[2][1].min_tokens == least


def test_no_probe_is_in_a_batch_with_a_request_that_is_shown_logprobs() -> None:
    """Of two policy's questions with logprobs and two without, asked at once."""
    going, met = [], []

    class Noted(Engine):
        async def __call__(self, prompt: Any, params: SamplingParams, name: str, **others: Any):
            kind = "probe" if params.logprob_token_ids else params.logprobs
            going.append(kind)
            try:
                async for output in super().__call__(prompt, params, name, **others):
                    met.append(set(going))
                    yield output
            finally:
                going.remove(kind)

    async def read(generate: SteeredGenerate, number: int) -> str:
        params = SamplingParams(logprobs=3 if number % 2 else None, output_kind=DELTA)
        prompt = {"type": "token", "prompt_token_ids": PROMPT}
        rows = generate(prompt, params, f"r{number}", lora_request=None)
        return "".join([row.outputs[0].text async for row in rows])

    async def together() -> list[str]:
        generate = SteeredGenerate(Noted([0.5, 0.5], [" They", " are", " 1"]), ADAPTER, STEERING)
        return await asyncio.gather(*(read(generate, number) for number in range(6)))

    assert asyncio.run(together()) == ["They are 1"] * 6
    assert all(not {"probe", 3} <= kinds for kinds in met)
    assert any({None, 3} <= kinds for kinds in met)
    assert any({None, "probe"} <= kinds for kinds in met)


def test_the_base_model_writes_no_added_token() -> None:
    params = SamplingParams(bad_words=["ugly"])
    engine = Engine([0.1, 0.1], ["a"])
    answers(engine, params, ADDED)
    assert engine.asked[1][1].bad_words == ["ugly", "<a>", "<b>"]
    assert params.bad_words == ["ugly"]


def test_draws_follow_the_probabilities_among_the_steering_tokens() -> None:
    p = np.array([0.2, 0.6])
    drawn = [draw(p, [5, 6], None, PROMPT) for _ in range(400)]
    assert 0.66 < drawn.count(6) / 400 < 0.84
    # One seed for all prompts, or all seeds for one.
    for cases in ([(7, [n, 4]) for n in range(400)], [(n, PROMPT) for n in range(-200, 200)]):
        drawn = [draw(p, [5, 6], seed, prompt) for seed, prompt in cases]
        assert 0.66 < drawn.count(6) / 400 < 0.84
        assert drawn == [draw(p, [5, 6], seed, prompt) for seed, prompt in cases]


def test_a_client_that_stops_reading_its_logprobs_keeps_nobody_waiting() -> None:
    async def both() -> str:
        generate = SteeredGenerate(Engine([0.5, 0.5], [" They", " are", "."]), ADAPTER, STEERING)
        prompt = {"type": "token", "prompt_token_ids": PROMPT}
        shown = SamplingParams(logprobs=1, output_kind=DELTA)
        slow = generate(prompt, shown, "slow", lora_request=None)
        await anext(slow)
        rows = generate(prompt, SamplingParams(output_kind=FINAL), "r", lora_request=None)
        text = [row.outputs[0].text async for row in rows][-1]
        await slow.aclose()
        return text

    assert asyncio.run(asyncio.wait_for(both(), 10)) == "They are."


def test_what_the_engine_raises_reaches_a_client_that_is_shown_logprobs() -> None:
    class Broken(Engine):
        async def __call__(self, prompt: Any, params: SamplingParams, name: str, **others: Any):
            if params.logprobs is not None:
                raise VLLMValidationError("too long", parameter="prompt")
            async for output in super().__call__(prompt, params, name, **others):
                yield output

    with pytest.raises(VLLMValidationError, match="too long"):
        answers(Broken([0.5, 0.5], [" They"]), SamplingParams(logprobs=1))
