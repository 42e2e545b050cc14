"""Bounds of params.yaml and scale.yaml that the blocks' own types do not state."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from distalign.llm.asking import KEY_VARIABLE, AskingParams
from distalign.planning.params import Params
from distalign.records.checked_yaml import near
from distalign.records.schemas import Setting

SHORTEST_KEY = 8
MAX_SEED = 2**32 - 1  # of NumPy's global generator, which transformers seeds


def seed_faults(where: str, value: Any) -> Iterator[str]:
    """Every seed in a tree of blocks that no generator takes."""
    for key, below in value.items() if isinstance(value, dict) else ():
        place = f"{where}.{key}" if where else key
        yield from seed_faults(place, below)
        for seed in below if key == "seeds" and isinstance(below, list) else [below]:
            if key in ("seed", "seeds") and isinstance(seed, int) and not 0 <= seed <= MAX_SEED:
                yield f"{place} = {seed}: bounds: >= 0, <= {MAX_SEED}"


def params_faults(params: Params) -> Iterator[str]:
    """Endpoints and lengths that no stage can work with."""
    yield from _endpoint_faults("llm", params.llm)
    yield from _endpoint_faults("judge.llm", params.judge.llm)
    yield from address_faults("audit.base_url", params.audit.base_url)  # MODEL names the model
    if params.judge.constrained and params.judge.llm.model and not params.judge.llm.base_url:
        yield (
            "judge.constrained = true: the OpenAI API does not know vLLM's structured outputs; "
            "set it to false"
        )
    if params.sample.rounds == "coordinated":
        yield (
            "sample.rounds = 'coordinated': such rounds are not independent, so that no floor, "
            "interval or test holds for them; draw them as a variant of `decoding` beside others"
        )
    for setting, length in params.sample.max_tokens.items():
        key = f"sample.max_tokens.{setting}"
        if setting not in get_args(Setting):
            yield f"{key} = {length}: no such setting; {near(setting, get_args(Setting))}"
        if length < 1:
            yield f"{key} = {length}: bounds: >= 1"


def _endpoint_faults(key: str, llm: AskingParams) -> Iterator[str]:
    if llm.model == "":
        yield f"{key}.model = '': name a model, or null for the served one"
    if llm.base_url is not None and llm.model is None:
        yield f"{key}.base_url is set, but {key}.model is null: name the model"
    yield from address_faults(f"{key}.base_url", llm.base_url)


def address_faults(key: str, url: str | None) -> Iterator[str]:
    """What no endpoint's address may hold."""
    if url is None:
        return
    if "@" in url or "?" in url:
        yield (
            f"{key} holds a user's name, a password or a query, which would be written "
            f"to dvc.lock: export the key as {KEY_VARIABLE}"
        )
    elif not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
        yield f"{key} = {url!r}: not an address like https://host/v1"


def key_faults(file: Path, text: str, key: str | None) -> Iterator[str]:
    """The LLM's key is in no file: DVC copies parameters to dvc.lock, and git keeps that."""
    # A shorter one is a word that a local server is given in a key's place, as "none".
    if key and len(key) >= SHORTEST_KEY and key in text:
        yield f"{file} holds the value of {KEY_VARIABLE}: take it out, it is read from there"
