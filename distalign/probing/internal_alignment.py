"""Internal alignment: what the model believes at the first token, before anything is drawn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from distalign.engines.engine import Decoding, Engine, FirstToken
from distalign.models.chat import chat_ids, first_items
from distalign.models.policy import Policy
from distalign.records.schemas import DatasetSpec, InputError, Prompt
from distalign.sampling.prompts import method_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# No draw is looked at: only the probabilities before it.
ONE_TOKEN = Decoding(temperature=1.0, top_p=1.0, top_k=0, max_tokens=1)


def category_tokens(
    tokenizer: "PreTrainedTokenizerBase", policy: Policy, spec: DatasetSpec
) -> list[list[int]]:
    """For each category the tokens that begin an answer of it.

    A policy with steering tokens has one a category. Otherwise they are the first tokens of the
    category's words, written small or large, in the answer's place, alone, or after a space; what
    may begin a word of two categories tells nothing and is left out.

    Raises:
        InputError: a category has no token of its own.
    """
    if policy.steering is not None:
        return [[token] for token in policy.steering.ids]
    found = []
    for category in spec.attribute.categories:
        words = [form for word in category.words for form in (word, word.capitalize())]
        texts = [space + word for word in words for space in ("", " ")]
        ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
        found.append({*(row[0] for row in ids), *first_items(tokenizer, words)})
    own = [
        sorted(tokens.difference(*(other for other in found if other is not tokens)))
        for tokens in found
    ]
    for name, tokens in zip(spec.categories, own, strict=True):
        if not tokens:
            raise InputError(
                f"{spec.attribute.name}: every word of {name!r} begins with a token that "
                "begins a word of another category; internal alignment cannot be measured"
            )
    return own


def first_token_shares(
    engine: Engine,
    tokenizer: "PreTrainedTokenizerBase",
    policy: Policy,
    spec: DatasetSpec,
    prompts: Sequence[Prompt],
) -> tuple[NDArray[np.float64], float]:
    """Mean probability of each category at the first token, over a context's test prompts.

    Returns:
        Shares (C, K), each prompt's probabilities restricted to the categories' tokens; and the
        mean probability of all these tokens together in the whole vocabulary.

    Raises:
        InputError: a context has no test prompt; see also `category_tokens`.
    """
    tokens = category_tokens(tokenizer, policy, spec)
    owner = np.repeat(np.arange(len(tokens)), [len(row) for row in tokens])
    asked = [prompt for prompt in prompts if prompt.split == "test"]
    ids = [
        chat_ids(tokenizer, method_prompt(policy.method, p.prompt, spec.context(p.context), spec))
        for p in asked
    ]
    first = FirstToken([token for row in tokens for token in row], None)
    seen = engine.generate(ids, ONE_TOKEN, 0, first)
    p = np.exp(np.array([answer.logps for answer in seen]))
    by_category = np.stack([p[:, owner == k].sum(1) for k in range(len(tokens))], axis=1)
    mass = by_category.sum(1)
    shares = by_category / mass[:, None]
    names = np.array([prompt.context for prompt in asked])
    missing = [c.name for c in spec.contexts if c.name not in names]
    if missing:
        raise InputError(f"{spec.name}: no test prompt for {missing}; run `dvc repro paraphrase`")
    return np.array([shares[names == c.name].mean(0) for c in spec.contexts]), float(mass.mean())


def internal_metrics(
    shares: NDArray[np.float64], mass: float, spec: DatasetSpec
) -> dict[str, float]:
    """Error of the shares (C, K) against P* (tables 4 and 12), in [0, 1].

    `mae` is the mean over contexts of the mean absolute error over categories, `mae_sd` its
    standard deviation across contexts.
    """
    errors = np.abs(shares - [context.target for context in spec.contexts]).mean(1)
    spread = float(errors.std(ddof=1)) if len(errors) > 1 else 0.0
    values = {"mae": float(errors.mean()), "mae_sd": spread, "mass": mass}
    return {name: round(value, 6) for name, value in values.items()}
