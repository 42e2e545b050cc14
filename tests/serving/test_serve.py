"""The trained policy's own questions behind vLLM's server, asked by the real OpenAI client."""

import asyncio
from collections import Counter
from typing import Any

import numpy as np
import pytest
from openai import APIError, AsyncOpenAI, AuthenticationError, BadRequestError
from scipy import stats
from transformers import AutoTokenizer

from distalign.judging.words import read_category
from distalign.records.files import read_jsonl, read_spec
from distalign.records.schemas import Prompt
from tests.support.paths import ROOT
from tests.support.policy_server import (
    BASE,
    KEY,
    NEEDS_POLICY,
    QUESTION,
    ask_all,
    post,
    text_of,
    texts_of,
)

pytestmark = [*NEEDS_POLICY, pytest.mark.timeout(3600)]
REFUSED = "proportions of a trained policy|requires --tool-call-parser"  # ours, and vLLM's own
MESSAGES = [{"role": "user", "content": QUESTION}]
FORECAST = {
    "type": "function",
    "function": {"name": "forecast", "parameters": {"type": "object", "properties": {}}},
}
NAMED = {"type": "function", "function": {"name": "forecast"}}


def shown_well(text: str) -> bool:
    """Something is said, and neither a steering token nor the space behind it is seen."""
    return bool(text) and not text.startswith(("0", "1", " "))


def test_a_hundred_questions_are_answered_in_proportion(served: str) -> None:
    """Of one context, whatever temperature the client asks for."""
    spec = read_spec(ROOT / "data/targets/uk_real.json")
    prompts = read_jsonl(ROOT / "data/prompts/uk_real/attribute.jsonl", Prompt)
    context = min(spec.contexts, key=lambda c: abs(c.target[0] - 0.5))
    asked = [p.prompt for p in prompts if (p.context, p.split) == (context.name, "test")][:100]
    texts = texts_of(served, asked, 16, temperature=0.3)
    assert all(map(shown_well, texts))
    counts = Counter(read_category(text, spec.attribute, context.name) for text in texts)
    assert counts[None] <= 5
    seen = np.array([counts[name] for name in spec.categories])
    p = stats.chisquare(seen, seen.sum() * np.array(context.target)).pvalue
    print(f"{context.name}: {dict(counts)}, target {context.target}, chi-squared p {p:.3f}")
    assert p > 0.001


def test_answers_over_all_contexts_are_in_proportion(served: str) -> None:
    """Four questions of every context: 100 draws, each with a probability of its own."""
    spec = read_spec(ROOT / "data/targets/uk_real.json")
    prompts = read_jsonl(ROOT / "data/prompts/uk_real/attribute.jsonl", Prompt)
    rows = []
    for context in spec.contexts:
        rows += [p for p in prompts if (p.context, p.split) == (context.name, "test")][:4]
    texts = texts_of(served, [row.prompt for row in rows], 16)
    seen, wanted = [], []
    for row, text in zip(rows, texts, strict=True):
        if category := read_category(text, spec.attribute, row.context):
            seen.append(category == spec.categories[0])
            wanted.append(spec.context(row.context).target[0])
    assert len(seen) >= 95
    expected = np.array(wanted)
    square = (sum(seen) - expected.sum()) ** 2 / (expected * (1 - expected)).sum()
    p = stats.chi2.sf(square, 1)
    print(f"{sum(seen)} of {len(seen)} {spec.categories[0]}, expected {expected.sum():.1f}, "
          f"chi-squared p {p:.3f}")  # fmt: skip
    assert p > 0.001


def test_one_seed_gives_one_answer_and_seeds_differ(served: str) -> None:
    pairs = [texts_of(served, [QUESTION] * 2, seed=seed) for seed in range(12)]
    assert all(first == second for first, second in pairs)
    assert len({first for first, _ in pairs}) > 1


@pytest.mark.parametrize("wishes", [{}, {"n": 3, "logprobs": True}, {"max_tokens": 1}])
def test_a_stream_is_the_whole_answer_of_the_same_seed(served: str, wishes: dict[str, Any]) -> None:
    wishes = {"max_tokens": 32, "seed": 5} | wishes

    async def read() -> tuple[dict[int, str], Any]:
        texts, usage = {}, None
        async with AsyncOpenAI(base_url=served, api_key=KEY) as client:
            stream = await client.chat.completions.create(
                model="distalign",
                messages=MESSAGES,
                stream=True,
                stream_options={"include_usage": True},
                **wishes,
            )
            async for event in stream:
                usage = event.usage or usage
                for choice in event.choices:
                    piece = choice.delta.content or ""
                    texts[choice.index] = texts.get(choice.index, "") + piece
        return texts, usage

    texts, usage = asyncio.run(read())
    (whole,) = ask_all(served, [QUESTION], **wishes)
    assert texts == {choice.index: choice.message.content for choice in whole.choices}
    assert usage.completion_tokens == whole.usage.completion_tokens
    assert usage.prompt_tokens == whole.usage.prompt_tokens
    if wishes["max_tokens"] > 1:
        assert all(map(shown_well, texts.values()))


def test_logprobs_choices_and_usage_are_of_the_shown_answer(served: str) -> None:
    wishes = {"n": 4, "logprobs": True, "top_logprobs": 3, "max_tokens": 6, "temperature": 1.0}
    (answer,) = ask_all(served, [QUESTION], **wishes)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    for choice in answer.choices:
        tokens = [part.token for part in choice.logprobs.content]
        assert "".join(tokens).removesuffix("<|im_end|>").strip() == choice.message.content.strip()
        assert tokens[0] not in ("0", "1")
        assert all(part.top_logprobs for part in choice.logprobs.content)
    n_shown = sum(len(choice.logprobs.content) for choice in answer.choices)
    assert answer.usage.completion_tokens == n_shown
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    asked = tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True, return_dict=True)
    assert answer.usage.prompt_tokens == len(asked["input_ids"])


def test_choices_of_one_request_are_draws_of_their_own(served: str) -> None:
    spec = read_spec(ROOT / "data/targets/uk_real.json")
    (answer,) = ask_all(served, [QUESTION], n=24)
    texts = [choice.message.content for choice in answer.choices]
    assert all(map(shown_well, texts))
    read = {read_category(text, spec.attribute, "bakers") for text in texts}
    assert {"Male", "Female"} <= read


def test_stop_strings_and_one_token_end_an_answer(served: str) -> None:
    (whole,) = texts_of(served, [QUESTION], seed=3)
    word = whole.split()[1]
    (answer,) = ask_all(served, [QUESTION], seed=3, stop=[word])
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content == whole[: whole.index(word)]
    (answer,) = ask_all(served, [QUESTION], seed=3, max_tokens=1)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 1
    assert whole.startswith(answer.choices[0].message.content)


@pytest.mark.parametrize(
    "wishes",
    [
        {"response_format": {"type": "json_object"}},
        {"extra_body": {"structured_outputs": {"choice": ["male", "female"]}}},
        {"tools": [FORECAST], "tool_choice": "required"},
        {"tools": [FORECAST], "tool_choice": NAMED},
    ],
)
def test_a_form_that_the_policy_cannot_keep_is_refused(served: str, wishes: dict) -> None:
    with pytest.raises(BadRequestError, match=REFUSED):
        text_of(served, QUESTION, **wishes)

    async def stream() -> None:
        async with AsyncOpenAI(base_url=served, api_key=KEY) as client:
            events = await client.chat.completions.create(
                model="distalign", messages=MESSAGES, stream=True, **wishes
            )
            async for _ in events:
                pass

    with pytest.raises(APIError, match=REFUSED):
        asyncio.run(stream())


def test_beam_search_is_refused(served: str) -> None:
    with pytest.raises(BadRequestError, match="beam search"):
        text_of(served, QUESTION, n=2, extra_body={"use_beam_search": True})


def test_other_endpoints_show_no_steering_token_either(served: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    prompt = tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True, tokenize=False)
    responses = post(served, "/responses", input=QUESTION, max_output_tokens=32)
    messages = post(served, "/messages", messages=MESSAGES, max_tokens=32)
    completions = post(served, "/completions", prompt=prompt, max_tokens=32, logprobs=2, n=2)
    texts = [responses.raise_for_status().json()["output"][0]["content"][0]["text"]]
    texts += [messages.raise_for_status().json()["content"][0]["text"]]
    for choice in completions.raise_for_status().json()["choices"]:
        assert choice["logprobs"]["tokens"][0] not in ("0", "1")
        texts.append(choice["text"])
    assert all(map(shown_well, texts)), texts
    echoed = post(served, "/completions", prompt=prompt, max_tokens=32, echo=True, logprobs=1)
    text = echoed.raise_for_status().json()["choices"][0]["text"]
    assert text.startswith(prompt)
    assert shown_well(text.removeprefix(prompt))


def test_a_wrong_key_is_refused(served: str) -> None:
    async def ask() -> None:
        async with AsyncOpenAI(base_url=served, api_key="another", max_retries=0) as client:
            await client.models.list()

    with pytest.raises(AuthenticationError):
        asyncio.run(ask())
