"""The trained policy behind vLLM's server, asked by the real OpenAI client."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from openai import AsyncOpenAI, AuthenticationError, BadRequestError
from openai.types.chat import ChatCompletion
from scipy import stats

from distalign.engines.vllm_settings import server_command, vllm_environment
from distalign.judging.words import read_category
from distalign.records.files import read_jsonl, read_spec
from distalign.records.schemas import Prompt
from stages.cli import precision
from tests.support.paths import ROOT

POLICY = ROOT / "models/policy/smollm2-135m/attribute/uk_even/ours/0"
KEY = "a-key-of-the-test"
PORT = 18431
BASE = ROOT / "models/base/smollm2-135m"
QUESTION = "What is the gender of a baker?"
OTHERS = ["What is the capital of France?", "Who wrote Hamlet?", "What is 17 plus 25?",
          "Write a short story about a lost dog.", "What does a plumber do at work?",
          "How many grams is a kilogram?"]  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not POLICY.exists(), reason="no trained policy; run `make repro`"),
]


@contextmanager
def running(command: list[str], port: int, log: Path, **environment: str) -> Iterator[str]:
    """The address of a server while it runs."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=file,
            stderr=file,
            env=os.environ | {"VLLM_API_KEY": KEY} | environment,
            start_new_session=True,
        )
    try:
        for _ in range(1200):
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200:
                    break
            except httpx.TransportError:
                assert process.poll() is None, log.read_text()[-3000:]
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    command = [sys.executable, "-m", "tools.serve", "--policy", str(POLICY)]
    command += ["--base", str(BASE), "--port", str(PORT)]
    with running(command, PORT, tmp_path_factory.mktemp("serve") / "log.txt") as url:
        yield url


async def ask_one(url: str, question: str, **wishes: Any) -> ChatCompletion:
    async with AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
        return await client.chat.completions.create(
            model="distalign",
            messages=[{"role": "user", "content": question}],
            **{"max_tokens": 32, **wishes},
        )


def text_of(url: str, question: str, **wishes: Any) -> str:
    return asyncio.run(ask_one(url, question, **wishes)).choices[0].message.content


def test_a_hundred_requests_are_in_the_target_proportions(served: str) -> None:
    spec = read_spec(ROOT / "data/targets/uk_even.json")
    prompts = read_jsonl(ROOT / "data/prompts/uk_even/attribute.jsonl", Prompt)
    context = spec.contexts[0]
    asked = [p.prompt for p in prompts if (p.context, p.split) == (context.name, "test")]

    async def ask_all() -> list[str]:
        async with AsyncOpenAI(base_url=served, api_key=KEY) as client:
            answers = await asyncio.gather(
                *(
                    client.chat.completions.create(
                        model="distalign",
                        messages=[{"role": "user", "content": prompt}],
                        max_tokens=32,
                        temperature=0.3,  # of the answer; the draw is not touched
                    )
                    for prompt in asked[:100]
                )
            )
        return [answer.choices[0].message.content for answer in answers]

    texts = asyncio.run(ask_all())
    assert not any(text.startswith(("0", "1")) for text in texts)
    counts = Counter(read_category(text, spec.attribute, context.name) for text in texts)
    assert counts[None] <= 2
    n = sum(counts[name] for name in spec.categories)
    assert stats.binomtest(counts[spec.categories[0]], n, context.target[0]).pvalue > 0.001


def test_a_stream_hides_the_steering_token_too(served: str) -> None:
    async def read() -> str:
        async with AsyncOpenAI(base_url=served, api_key=KEY) as client:
            stream = await client.chat.completions.create(
                model="distalign",
                messages=[{"role": "user", "content": QUESTION}],
                max_tokens=32,
                stream=True,
            )
            return "".join([event.choices[0].delta.content or "" async for event in stream])

    text = asyncio.run(read())
    assert text
    assert not text.startswith(("0", "1", " "))


def test_other_questions_get_the_base_models_answer_word_for_word(
    served: str, tmp_path: Path
) -> None:
    kinds = [{"temperature": 0.0}, {"temperature": 1.0, "seed": 7}]
    got = [text_of(served, question, **kind) for question in OTHERS for kind in kinds]
    arguments = {"served_model_name": "distalign", "port": PORT + 1, "host": "127.0.0.1"}
    command = server_command(BASE, precision(), arguments)
    with running(command, PORT + 1, tmp_path / "log.txt", **vllm_environment()) as base:
        wanted = [text_of(base, question, **kind) for question in OTHERS for kind in kinds]
    assert got == wanted


def test_one_seed_gives_one_answer_and_seeds_differ(served: str) -> None:
    texts = [[text_of(served, QUESTION, seed=seed) for _ in range(2)] for seed in range(12)]
    assert all(first == second for first, second in texts)
    assert len({first for first, _ in texts}) > 1


def test_logprobs_choices_and_usage_are_of_the_shown_answer(served: str) -> None:
    wishes = {"n": 4, "logprobs": True, "max_tokens": 6, "temperature": 1.0}
    answer = asyncio.run(ask_one(served, QUESTION, **wishes))
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    for choice in answer.choices:
        tokens = [part.token for part in choice.logprobs.content]
        assert "".join(tokens).removesuffix("<|im_end|>").strip() == choice.message.content.strip()
        assert tokens[0] not in ("0", "1")


def test_a_form_that_the_policy_cannot_keep_is_refused(served: str) -> None:
    form = {"response_format": {"type": "json_object"}}
    with pytest.raises(BadRequestError, match="proportions of a trained policy"):
        text_of(served, QUESTION, **form)
    choice = {"extra_body": {"structured_outputs": {"choice": ["Paris", "Rome"]}}}
    assert text_of(served, OTHERS[0], **choice) in ("Paris", "Rome")
    with pytest.raises(BadRequestError, match="beam search"):
        text_of(served, QUESTION, n=2, extra_body={"use_beam_search": True})


def test_other_endpoints_show_no_steering_token_either(served: str) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    message = [{"role": "user", "content": QUESTION}]
    with httpx.Client(base_url=served, headers=headers, timeout=120) as client:
        wanted = {"model": "distalign", "input": QUESTION, "max_output_tokens": 32}
        responses = client.post("/responses", json=wanted).raise_for_status().json()
        wanted = {"model": "distalign", "messages": message, "max_tokens": 32}
        messages = client.post("/messages", json=wanted).raise_for_status().json()
    for text in (responses["output"][0]["content"][0]["text"], messages["content"][0]["text"]):
        assert text
        assert not text.startswith(("0", "1", " "))


def test_a_wrong_key_is_refused(served: str) -> None:
    async def ask() -> None:
        async with AsyncOpenAI(base_url=served, api_key="another", max_retries=0) as client:
            await client.models.list()

    with pytest.raises(AuthenticationError):
        asyncio.run(ask())


def test_served_shares_of_all_contexts_are_within_the_sampling_error(served: str) -> None:
    """One answer for each of 4 prompts of every context: MAE of the pooled share near its floor."""
    spec = read_spec(ROOT / "data/targets/uk_even.json")
    prompts = read_jsonl(ROOT / "data/prompts/uk_even/attribute.jsonl", Prompt)

    async def ask_all() -> list[tuple[str, str]]:
        chosen = []
        for context in spec.contexts:
            rows = [p for p in prompts if (p.context, p.split) == (context.name, "test")]
            chosen += rows[:4]
        async with AsyncOpenAI(base_url=served, api_key=KEY) as client:
            answers = await asyncio.gather(
                *(
                    client.chat.completions.create(
                        model="distalign",
                        messages=[{"role": "user", "content": row.prompt}],
                        max_tokens=32,
                    )
                    for row in chosen
                )
            )
        return [
            (row.context, answer.choices[0].message.content)
            for row, answer in zip(chosen, answers, strict=True)
        ]

    read = [read_category(text, spec.attribute, name) for name, text in asyncio.run(ask_all())]
    share = np.mean([category == spec.categories[0] for category in read if category])
    assert abs(share - 0.5) < 4 * 0.5 / len(read) ** 0.5
