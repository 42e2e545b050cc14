"""Requests that a policy must leave alone: ordinary ones, and near misses of its question."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, RootModel

from distalign.data.stated import draw_shares, state, stated_prompt
from distalign.data.wordings import normalise
from distalign.engines.engine import EngineName
from distalign.records.schemas import SPLITS, Attribute, DatasetSpec, InputError, Setting, Split


class RequestsParams(BaseModel):
    """The `requests` block of params.yaml: numbers of requests, of a model or a data set."""

    model_config = ConfigDict(extra="forbid")
    seed: int
    engine: EngineName
    written: dict[Split, int]
    """From the templates of a file."""
    own: dict[Split, int]
    """Written by the model itself, as a user's turn."""
    near_misses: dict[Split, int]
    groups: list[str]
    """Groups of near misses that fit the contexts, beside the attribute's own."""
    max_tokens: dict[Split, int]
    """Of the base model's answers."""


class OrdinaryFile(BaseModel):
    """data/requests/ordinary.yaml."""

    model_config = ConfigDict(extra="forbid")
    templates: list[str] = Field(min_length=10)
    slots: dict[str, list[str]]


class NearMissFile(RootModel[dict[str, list[str]]]):
    """data/requests/near_misses.yaml: group -> requests, which may hold {context}."""


class Asked(NamedTuple):
    """A request before it is answered."""

    kind: Literal["ordinary", "near_miss"]
    split: Split
    prompt: str
    source: Literal["written", "llm"]
    asks: Sequence[Setting] = ()


# Of the templates: what is measured has other templates than what is trained on.
SHARES: dict[Split, float] = {"train": 0.68, "validation": 0.07, "test": 0.25}


def split_templates(templates: Sequence[str], rng: np.random.Generator) -> dict[Split, list[str]]:
    """Templates in random order, divided over the splits."""
    order = [templates[i] for i in rng.permutation(len(templates))]
    ends = np.round(np.cumsum([SHARES[split] for split in SPLITS]) * len(order)).astype(int)
    return {
        split: order[start:end] for split, start, end in zip(SPLITS, [0, *ends], ends, strict=False)
    }


def fill_slot(template: str, slot: str, value: str) -> str:
    """The template with one value at each place of a slot; braces in the value stay text."""
    if value.endswith("."):
        template = template.replace(f"{{{slot}}}.", f"{{{slot}}}")
    return template.replace(f"{{{slot}}}", value)


def fill(
    templates: Sequence[str], slots: dict[str, list[str]], n: int, rng: np.random.Generator
) -> list[str]:
    """At most n distinct requests, every template once before any has a second filling.

    Raises:
        InputError: a template has a slot of which there are no values.
    """
    found: dict[str, None] = {}
    open_templates = list(templates)
    while open_templates and len(found) < n:
        for template in list(open_templates):
            names = list(dict.fromkeys(re.findall(r"{(\w+)}", template)))
            missing = [name for name in names if name not in slots]
            if missing:
                raise InputError(f"request {template!r}: no values for {missing}")
            filled = template
            for name in names:
                filled = fill_slot(filled, name, str(rng.choice(slots[name])))
            if filled in found or not names:
                open_templates.remove(template)
            found[filled] = None
            if len(found) == n:
                break
    return list(found)


def written_requests(file: OrdinaryFile, params: RequestsParams) -> list[Asked]:
    rng = np.random.default_rng([params.seed, 0])
    parts = split_templates(file.templates, rng)
    return [
        Asked("ordinary", split, prompt, "written")
        for split, templates in parts.items()
        for prompt in fill(templates, file.slots, params.written[split], rng)
    ]


def own_requests(texts: Sequence[str], params: RequestsParams) -> list[Asked]:
    """The first distinct texts, as many a split as are wanted."""
    distinct, rows, start = list(dict.fromkeys(texts)), [], 0
    for split in SPLITS:
        end = start + params.own[split]
        rows += [Asked("ordinary", split, text, "llm") for text in distinct[start:end]]
        start = end
    return rows


def named_settings(prompt: str, attribute: Attribute) -> list[Setting]:
    """Settings of whose topic a request holds a word."""
    words = set(normalise(prompt).split())
    return [name for name, q in attribute.settings.items() if words.intersection(q.topic)]


def asked_settings(prompt: str, spec: DatasetSpec) -> list[Setting]:
    """Settings whose question a request may be: it holds one of its topic's words, and a context.

    Which words a question may use besides is not looked at: what is near a question of a training
    must not be held to the base model's answer.
    """
    if not any(context.name in prompt for context in spec.contexts):
        return []
    return named_settings(prompt, spec.attribute)


def near_misses(
    file: NearMissFile, asked: Sequence[DatasetSpec], params: RequestsParams
) -> list[Asked]:
    """Requests that name a context without asking for the attribute, or the attribute of nobody.

    Args:
        asked: the questions of a policy. Each has as many near misses as params say, and none of
            one is another's question.

    Raises:
        InputError: params name a group that the file does not have.
    """
    unknown = [group for group in params.groups if group not in file.root]
    if unknown:
        known = sorted(file.root)
        raise InputError(f"params.yaml: requests.groups: no group {unknown}; there are {known}")
    rows: dict[str, Asked] = {}
    for spec in asked:
        # Seeded alike, so that a template that several questions share has one split.
        for row in _near_misses(file, spec, params, np.random.default_rng([params.seed, 1])):
            asks = [setting for other in asked for setting in asked_settings(row.prompt, other)]
            # The attribute's own question is none; a story may be, where stories are trained.
            if "attribute" not in asks:
                rows.setdefault(row.prompt, row._replace(asks=list(dict.fromkeys(asks))))
    return list(rows.values())


def _near_misses(
    file: NearMissFile, spec: DatasetSpec, params: RequestsParams, rng: np.random.Generator
) -> list[Asked]:
    """Those of one question, which itself is none of them."""
    names = [context.name for context in spec.contexts]
    parts = [
        split_templates(file.root.get(group, []), rng)
        for group in [*params.groups, spec.attribute.name]
    ]
    rows = []
    for split in SPLITS:
        grouped = [template for part in parts for template in part[split]]
        templates = [grouped[i] for i in rng.permutation(len(grouped))]
        filled = fill(templates, {"context": names}, 2 * params.near_misses[split], rng)
        own = [prompt for prompt in filled if "attribute" not in asked_settings(prompt, spec)]
        own = own[: params.near_misses[split]]
        rows += [Asked("near_miss", split, prompt, "written") for prompt in own]
    return rows


def state_half(
    asked: Sequence[Asked], stating: Sequence[DatasetSpec], rng: np.random.Generator
) -> list[Asked]:
    """Near misses, every other of which states a target as well.

    Else a statement itself would tell the policy that it is asked its question.

    Args:
        stating: the questions whose targets are stated, in turn.
    """
    stated = list(asked)
    for place, row in list(enumerate(asked))[::2]:
        spec = stating[place // 2 % len(stating)]
        assert spec.stating is not None
        shares = draw_shares(spec.stating.alpha, len(spec.categories), rng)
        _, said = state(shares, spec.attribute, spec.stating.phrasings, row.split, rng)
        stated[place] = row._replace(prompt=stated_prompt(row.prompt, said))
    return stated
