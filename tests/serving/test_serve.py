"""The trained policy behind vLLM's server, asked by the real OpenAI client."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from openai import AsyncOpenAI, AuthenticationError
from scipy import stats

from distalign.judging.words import read_category
from distalign.records.files import read_jsonl, read_spec
from distalign.records.schemas import Prompt
from tests.support.paths import ROOT

POLICY = ROOT / "models/policy/smollm2-135m/attribute/uk_even/ours/0"
KEY = "a-key-of-the-test"
PORT = 18431
URL = f"http://127.0.0.1:{PORT}"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not POLICY.exists(), reason="no trained policy; run `make repro`"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("serve") / "log.txt"
    command = [sys.executable, "-m", "tools.serve", "--policy", str(POLICY)]
    command += ["--base", str(ROOT / "models/base/smollm2-135m"), "--port", str(PORT)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=file,
            stderr=file,
            env=os.environ | {"VLLM_API_KEY": KEY},
            start_new_session=True,
        )
    try:
        for _ in range(600):
            try:
                if httpx.get(f"{URL}/health").status_code == 200:
                    break
            except httpx.TransportError:
                assert process.poll() is None, log.read_text()[-3000:]
            time.sleep(0.5)
        yield f"{URL}/v1"
    finally:
        process.terminate()
        process.wait(30)


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
                messages=[{"role": "user", "content": "What is the gender of a baker?"}],
                max_tokens=32,
                stream=True,
            )
            return "".join([event.choices[0].delta.content or "" async for event in stream])

    text = asyncio.run(read())
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
