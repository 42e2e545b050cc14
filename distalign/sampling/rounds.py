"""Rounds of a policy: the two-step procedure (equations 10-11), plain decoding, or a baseline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from distalign.engines.engine import Continuation, Decoding, Engine, EngineName, FirstToken
from distalign.models.chat import chat_ids
from distalign.models.policy import Policy
from distalign.models.steering import split_response
from distalign.records.schemas import DatasetSpec, InputError, Prompt, Round
from distalign.sampling.constrained import allowed_answers, answer_branches, draw_answers
from distalign.sampling.drawing import decoded, draw_coordinated, draw_independent
from distalign.sampling.prompts import (
    BASELINES,
    EXTERNAL,
    REJECTION,
    Planned,
    read_output,
    turn_of,
)
from distalign.sampling.rejection import draw_accepted, outputs_of
from distalign.sampling.streams import stream_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class SampleParams(BaseModel):
    """The `sample` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    seed: int
    engine: EngineName
    workers: int = Field(ge=1)
    """Engines that draw at once; more than one are started by Ray. The rounds are the same."""
    tensor_parallel: int = Field(ge=1)
    """GPUs of one machine, or shares of its cores, over which vLLM divides a model too large
    for one; its numbers of heads must be multiples of it."""
    shard: int = Field(ge=1)
    """Rounds, rounded up to whole contexts, that are drawn and kept at a time."""
    n: int = Field(ge=1)
    """N, rounds a context."""
    rounds: Literal["independent", "coordinated"]
    """Coordinated draws the steering tokens of a context's rounds together, see
    `drawing.draw_coordinated`: rounds are not independent then, and their floor does not
    apply. Where no steering token is drawn, rounds stay independent."""
    prompts: Literal["paraphrases", "one"]
    """One draw for each of N paraphrases, or N draws of one prompt a context."""
    decoding: Literal["method", "plain"]
    """As the method's policy says, or plain for all methods."""
    steering_decoding: bool
    """Temperature, top-p and top-k apply to the draw of the steering token too. In plain
    decoding it is a token like any other, and they always do."""
    temperature: float = Field(ge=0)
    top_p: float = Field(gt=0, le=1)
    top_k: int = Field(ge=0)
    """0 is off."""
    max_tokens: dict[str, int]
    """Setting -> tokens of a response without its steering token; a policy may name its own."""
    max_tries: int = Field(ge=1)
    """Proposals a round of verbalized rejection sampling, before it is invalid."""

    @model_validator(mode="after")
    def _divided_by_vllm(self) -> Self:
        if self.tensor_parallel > 1 and self.engine != "vllm":
            raise ValueError("tensor_parallel: only `engine: vllm` divides a model")
        return self


@dataclass(frozen=True)
class Shard:
    """Rounds of some whole contexts, which one engine draws in one go.

    `seeds` are of the shard's own generator.
    """

    plan: list[Planned]
    setting: str
    params: SampleParams
    seeds: list[int]


def plan_rounds(
    spec: DatasetSpec, prompts: Sequence[Prompt], params: SampleParams
) -> list[Planned]:
    """(context, round, prompt) of every round, from the test prompts.

    Raises:
        InputError: a context has fewer test prompts than rounds.
    """
    plan = []
    for context in spec.contexts:
        texts = [p.prompt for p in prompts if (p.context, p.split) == (context.name, "test")]
        if params.prompts == "one":
            texts = texts[:1] * params.n
        if len(texts) < params.n:
            raise InputError(
                f"sample: {context.name!r} has {len(texts)} test prompts for {params.n} "
                "rounds; raise paraphrase.per_split or set sample.prompts to `one`"
            )
        plan += [(context.name, i, text) for i, text in enumerate(texts[: params.n])]
    return plan


def restricted(logps: np.ndarray) -> NDArray[np.float64]:
    """P_θ(τ|x) restricted to the steering tokens, from log-probabilities (..., K)."""
    p = np.exp(logps - logps.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


def make_shards(
    spec: DatasetSpec, prompts: Sequence[Prompt], params: SampleParams, policy: str, seed: int
) -> list[Shard]:
    """The shards of N rounds a context, in the order of contexts and rounds.

    Each has a generator of its own: who draws it, and after what, changes nothing.

    Args:
        policy, seed: see `streams.stream_of`; no two cells share a stream.

    Raises:
        InputError: see `plan_rounds`.
    """
    plan = plan_rounds(spec, prompts, params)
    places = [i * params.n // params.shard for i in range(len(spec.contexts))]
    shard_of = {c.name: place for c, place in zip(spec.contexts, places, strict=True)}
    stream = stream_of(policy, seed, spec.name, prompts[0].setting, params)
    return [
        Shard(list(rows), prompts[0].setting, params, [*stream, number])
        for number, (_, rows) in enumerate(groupby(plan, lambda row: shard_of[row[0]]))
    ]


def sample_shard(
    engine: Engine,
    tokenizer: "PreTrainedTokenizerBase",
    policy: Policy,
    spec: DatasetSpec,
    shard: Shard,
) -> list[Round]:
    """A response for each planned round. Same arguments, same rounds."""
    plan, params, rng = shard.plan, shard.params, np.random.default_rng(shard.seeds)
    steering = policy.steering
    limit = (policy.max_tokens or params.max_tokens[shard.setting]) + (steering is not None)
    decoding = Decoding(params.temperature, params.top_p, params.top_k, limit)
    if policy.method == REJECTION:
        ask = partial(outputs_of, engine, tokenizer, decoding, rng)
        return draw_accepted(ask, plan, spec, params.max_tries, rng)
    uniforms = rng.random(len(plan))
    asked: list[int | None] = [None] * len(plan)
    target_of = {context.name: np.array(context.target) for context in spec.contexts}
    targets = [target_of[name] for name, _, _ in plan]
    if policy.method == EXTERNAL:
        asked = [draw_independent(*pair) for pair in zip(targets, uniforms, strict=True)]
    ids = [
        chat_ids(tokenizer, turn_of(policy.method, row, category, spec))
        for row, category in zip(plan, asked, strict=True)
    ]
    first, how = None, policy.decoding if params.decoding == "method" else "plain"
    if steering is not None:
        draw = None
        if how == "two_step":
            draw = _steering_draw(engine, ids, steering.ids, plan, decoding, params, rng)
        if how == "external":
            draw = _external_draw(targets, uniforms)
        first = FirstToken(steering.ids, draw)
    if how == "constrained":
        branches = answer_branches(allowed_answers(spec.attribute), tokenizer)
        answers = draw_answers(engine, ids, branches, tokenizer.eos_token_id, decoding, rng)
    else:
        answers = engine.generate(ids, decoding, int(rng.integers(2**31)), first)
    rounds = [
        _round(row, answer, category, float(u), tokenizer, policy, spec)
        for row, answer, category, u in zip(plan, answers, asked, uniforms, strict=True)
    ]
    if how == "external":
        own = zip(rounds, targets, strict=True)
        rounds = [row.model_copy(update={"probabilities": p.tolist()}) for row, p in own]
    return rounds


def _external_draw(
    targets: Sequence[np.ndarray], uniforms: np.ndarray
) -> Callable[[int, np.ndarray], int]:
    return lambda number, _: draw_independent(targets[number], uniforms[number])


def _steering_draw(
    engine: Engine,
    ids: list[list[int]],
    steering_ids: list[int],
    plan: Sequence[Planned],
    decoding: Decoding,
    params: SampleParams,
    rng: np.random.Generator,
) -> Callable[[int, np.ndarray], int]:
    """Which steering token each round gets: drawn as its probabilities come, or all before."""

    def probabilities(logps: np.ndarray) -> NDArray[np.float64]:
        p = restricted(logps)
        return decoded(p, decoding) if params.steering_decoding else p

    if params.rounds == "independent":
        uniforms = rng.random(len(plan))
        return lambda number, logps: draw_independent(probabilities(logps), uniforms[number])
    seen = engine.generate(ids, replace(decoding, max_tokens=1), 0, FirstToken(steering_ids, None))
    p = probabilities(np.array([answer.logps for answer in seen]))
    names = np.array([name for name, _, _ in plan])
    drawn = np.empty(len(plan), dtype=np.int64)
    for name in dict.fromkeys(names.tolist()):
        drawn[names == name] = draw_coordinated(p[names == name], rng)
    return lambda number, _: int(drawn[number])


def _round(
    row: Planned,
    answer: Continuation,
    category: int | None,
    uniform: float,
    tokenizer: "PreTrainedTokenizerBase",
    policy: Policy,
    spec: DatasetSpec,
) -> Round:
    name, number, prompt = row
    token_ids, logps = answer.token_ids, answer.logps
    if policy.steering is not None:
        taken = split_response(token_ids, policy.steering)
        category, token_ids = taken.category, taken.token_ids
    output = tokenizer.decode(token_ids, skip_special_tokens=True).strip()
    is_baseline = policy.method in BASELINES
    return Round(
        context=name,
        round=number,
        prompt=prompt,
        text=read_output(policy.method, output, uniform) if is_baseline else output,
        raw=output if is_baseline else None,
        drawn=None if category is None else spec.categories[category],
        probabilities=None if logps is None else restricted(logps).tolist(),
        mass=None if logps is None else float(np.exp(logps).sum()),
    )
