"""The trained policy of UK real behind the real server, and the base model behind vLLM's own."""

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion

from tests.support.paths import ROOT

POLICY = ROOT / "models/policy/smollm2-135m/attribute/uk_real/ours/0"
BASE = ROOT / "models/base/smollm2-135m"
KEY = "a-key-of-the-test"
PORT = 18431
QUESTION = "What is the gender of a baker?"

NEEDS_POLICY = [
    pytest.mark.slow,
    pytest.mark.skipif(not POLICY.exists(), reason="no trained policy; run `make repro`"),
]


def needs_policy(test: Callable[..., None]) -> Callable[..., None]:
    """A test of its own that needs the policy, in a file whose others do not."""
    for mark in NEEDS_POLICY:
        test = mark(test)
    return test


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
        else:
            pytest.fail(f"not healthy after ten minutes: {log.read_text()[-3000:]}")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(30)


def ask_all(
    url: str, questions: Sequence[str], at_once: int = 1, **wishes: Any
) -> list[ChatCompletion]:
    """Answers in the order of the questions, so many of which are asked side by side."""

    async def ask() -> list[ChatCompletion]:
        places = asyncio.Semaphore(at_once)
        async with AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0, timeout=600) as client:

            async def one(question: str) -> ChatCompletion:
                async with places:
                    return await client.chat.completions.create(
                        model="distalign",
                        messages=[{"role": "user", "content": question}],
                        **{"max_tokens": 40, **wishes},
                    )

            return await asyncio.gather(*map(one, questions))

    return asyncio.run(ask())


def texts_of(url: str, questions: Sequence[str], at_once: int = 1, **wishes: Any) -> list[str]:
    answers = ask_all(url, questions, at_once, **wishes)
    return [answer.choices[0].message.content for answer in answers]


def text_of(url: str, question: str, **wishes: Any) -> str:
    return texts_of(url, [question], **wishes)[0]


def post(url: str, endpoint: str, **body: Any) -> httpx.Response:
    """What an endpoint answers to a client that is not OpenAI's."""
    headers = {"Authorization": f"Bearer {KEY}"}
    body = {"model": "distalign", **body}
    return httpx.post(f"{url}{endpoint}", json=body, headers=headers, timeout=600)
