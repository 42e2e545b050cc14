"""Verbalized rejection sampling: a generator proposes categories, the model says which it keeps.

Xiao et al., arXiv 2506.09998. All rounds of a shard are asked at once, and those that rejected
are asked again with another proposal.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from distalign.engines.engine import Decoding, Engine
from distalign.models.chat import chat_ids
from distalign.records.schemas import DatasetSpec, Round
from distalign.sampling.prompts import REJECTION, Planned, read_decision, turn_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Ask = Callable[[Sequence[str]], Sequence[str]]
"""Users' turns -> what the model writes after each."""


def draw_accepted(
    ask: Ask, plan: Sequence[Planned], spec: DatasetSpec, max_tries: int, rng: np.random.Generator
) -> list[Round]:
    """A round for each planned one: its text is the word of the category that was accepted.

    Where the model accepts category k with probability P*_k / max P*, as it is asked to, the
    accepted category has the law P*. A round without one has an empty text, which no judge reads
    as a category. `raw` has every try with its number, proposal and output.

    Args:
        max_tries: proposals a round.
        rng: of the proposals, which are even over the categories.
    """
    words = [category.words[0] for category in spec.attribute.categories]
    accepted = [""] * len(plan)
    tries: list[list[str]] = [[] for _ in plan]
    going = list(range(len(plan)))
    for number in range(1, max_tries + 1):
        proposed = rng.integers(len(words), size=len(going)).tolist()
        turns = [
            turn_of(REJECTION, plan[row], category, spec)
            for row, category in zip(going, proposed, strict=True)
        ]
        rejected = []
        for row, category, output in zip(going, proposed, ask(turns), strict=True):
            tries[row].append(f"Try {number}, {words[category]}: {output.strip()}")
            if read_decision(output):
                accepted[row] = words[category]
            else:
                rejected.append(row)
        going = rejected
        if not going:
            break
    return [
        Round(
            context=context,
            round=number,
            prompt=prompt,
            text=text,
            raw="\n".join(outputs),
            drawn=None,
            probabilities=None,
            mass=None,
        )
        for (context, number, prompt), text, outputs in zip(plan, accepted, tries, strict=True)
    ]


def outputs_of(
    engine: Engine,
    tokenizer: "PreTrainedTokenizerBase",
    decoding: Decoding,
    rng: np.random.Generator,
    turns: Sequence[str],
) -> list[str]:
    """What an engine's model writes after each turn; its seed is drawn anew for each call."""
    ids = [chat_ids(tokenizer, turn) for turn in turns]
    answers = engine.generate(ids, decoding, int(rng.integers(2**31)))
    return tokenizer.batch_decode([a.token_ids for a in answers], skip_special_tokens=True)


def expected_tries(target: Sequence[float], max_tries: int) -> float:
    """Mean number of tries of a model that accepts as it is asked to."""
    chance = 1 / (len(target) * max(target))
    return (1 - (1 - chance) ** max_tries) / chance
