"""Independent rounds of a policy: the two-step procedure (equations 10-11) or plain decoding."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from distalign.engines import Decoding, Engine, EngineName
from distalign.policy import Policy
from distalign.prompts import method_prompt
from distalign.records import DatasetSpec, InputError, Prompt, Round
from distalign.steering import split_response

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class SampleParams(BaseModel):
    """The `sample` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    seed: int
    engine: EngineName
    rounds: int = Field(ge=1)
    """N, a context."""
    prompts: Literal["paraphrases", "one"]
    """One draw for each of N paraphrases, or N draws of one prompt a context."""
    decoding: Literal["method", "plain"]
    """As the method's policy says, or plain for all methods."""
    temperature: float = Field(ge=0)
    top_p: float = Field(gt=0, le=1)
    top_k: int = Field(ge=0)
    """0 is off."""
    max_tokens: int = Field(ge=1)


def chat_ids(tokenizer: "PreTrainedTokenizerBase", prompt: str) -> list[int]:
    """Token ids of a user's turn, up to where the assistant's begins."""
    return tokenizer.apply_chat_template(
        [{"role": "user", "content": prompt}], add_generation_prompt=True, return_dict=True
    )["input_ids"]


def draw_categories(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One category index a row of (rows, K) by inverting the cumulative sum (equation 10)."""
    cumulative = probabilities.cumsum(-1)
    cumulative /= cumulative[:, -1:]
    return (rng.random(len(cumulative))[:, None] >= cumulative).sum(-1)


def plan_rounds(
    spec: DatasetSpec, prompts: Sequence[Prompt], params: SampleParams
) -> list[tuple[str, int, str]]:
    """(context, round, prompt) of every round, from the test prompts.

    Raises:
        InputError: a context has fewer test prompts than rounds.
    """
    plan = []
    for context in spec.contexts:
        texts = [p.prompt for p in prompts if (p.context, p.split) == (context.name, "test")]
        if params.prompts == "one":
            texts = texts[:1] * params.rounds
        if len(texts) < params.rounds:
            raise InputError(
                f"sample: {context.name!r} has {len(texts)} test prompts for {params.rounds} "
                "rounds; raise paraphrase.per_split or set sample.prompts to `one`"
            )
        plan += [(context.name, i, text) for i, text in enumerate(texts[: params.rounds])]
    return plan


def sample(
    engine: Engine,
    tokenizer: "PreTrainedTokenizerBase",
    policy: Policy,
    spec: DatasetSpec,
    prompts: Sequence[Prompt],
    params: SampleParams,
) -> list[Round]:
    """`rounds` independent responses a context, in the order of contexts and rounds."""
    plan = plan_rounds(spec, prompts, params)
    rng = np.random.default_rng(params.seed)
    ids = [
        chat_ids(tokenizer, method_prompt(policy.method, text, spec.context(context), spec))
        for context, _, text in plan
    ]
    steering = policy.steering
    probabilities = mass = drawn = None
    if steering is not None:
        raw = np.exp(engine.first_token_logprobs(ids, steering.ids))
        mass = raw.sum(-1)
        probabilities = raw / mass[:, None]
        if policy.decoding == "two_step" and params.decoding == "method":
            drawn = draw_categories(probabilities, rng)
            ids = [[*row, steering.ids[k]] for row, k in zip(ids, drawn, strict=True)]
    decoding = Decoding(params.temperature, params.top_p, params.top_k, params.max_tokens)
    seeds = rng.integers(2**31, size=len(plan)).tolist()
    responses = engine.generate(ids, decoding, seeds)
    rows = []
    for i, ((context, number, text), response) in enumerate(zip(plan, responses, strict=True)):
        category = None if drawn is None else int(drawn[i])
        if steering is not None and drawn is None:
            taken = split_response(response, steering)
            category, response = taken.category, taken.token_ids
        rows.append(
            Round(
                context=context,
                round=number,
                prompt=text,
                text=tokenizer.decode(response, skip_special_tokens=True).strip(),
                drawn=None if category is None else spec.categories[category],
                probabilities=None if probabilities is None else probabilities[i].tolist(),
                mass=None if mass is None else float(mass[i]),
            )
        )
    return rows
