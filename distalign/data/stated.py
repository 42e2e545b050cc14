"""Targets that a prompt states: phrasings of shares, and the prompts that carry them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from distalign.data.synthesize import largest_remainder
from distalign.records.checked_yaml import read_yaml, validate
from distalign.records.schemas import (
    Attribute,
    Context,
    DatasetSpec,
    Preference,
    Prompt,
)
from distalign.records.stated import Item, PhrasingFile, Phrasings, Split, Statement, Stating

NUMBERS = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    *("nineteen", "twenty"),
]
NAMED = 0.15
"""Of the statements, those that name a share in words, as "mostly" does."""
TRIES = 20
"""Draws of a statement that its context has not had, before two are taken for one."""


def read_phrasings(path: Path) -> PhrasingFile:
    """Raises InputError naming the file and the key."""
    return validate(PhrasingFile, read_yaml(path), path)


def state(
    shares: Sequence[float],
    attribute: Attribute,
    phrasings: PhrasingFile,
    split: Split,
    rng: np.random.Generator,
    evenly: bool = False,
) -> tuple[list[float], Statement]:
    """A statement of about these shares, and the target that it states exactly.

    The shares are rounded to what the phrasing can say: whole percent, fifths, a word's share.

    Args:
        shares: (K,), in the order of the categories.
        split: of the phrasings that are drawn from.
        evenly: a name of a share is met as often as any other, whatever the shares, instead of the
            nearest one. No answer may then be drawn by these shares before.
    """
    own: Phrasings = getattr(phrasings, split)
    words = [category.words[0] for category in attribute.categories]
    frame = own.frames[rng.integers(len(own.frames))]
    order = rng.permutation(len(words))
    named = own.named if len(words) == 2 else []
    if named and rng.random() < NAMED:
        about = order[0]
        nearest = min((one.share for one in named), key=lambda share: abs(share - shares[about]))
        alike = [one for one in named if evenly or one.share == nearest]
        name = alike[rng.integers(len(alike))]
        target = [name.share if k == about else 1 - name.share for k in range(2)]
        text = name.text.format(word=words[about])
        return target, Statement(kind="named", split=split, shares=text, frame=frame)
    item = own.items[rng.integers(len(own.items))]
    whole = int(rng.choice(item.of))
    counts = largest_remainder(shares, whole)
    said = order[:-1] if item.short and rng.random() < 0.5 else order
    parts = [_part(item, counts[k], whole, words[k]) for k in said]
    text = item.join.join(parts[:-1]) + item.last * (len(parts) > 1) + parts[-1]
    target = [count / whole for count in counts]
    return target, Statement(kind=item.kind, split=split, shares=text, frame=frame)


def state_twice(
    shares: Sequence[float],
    attribute: Attribute,
    phrasings: PhrasingFile,
    split: Split,
    rng: np.random.Generator,
) -> list[tuple[list[float], Statement]]:
    """A statement, and the same one with the categories' names in each other's places.

    Only what binds a figure to its name can tell the two apart: "80% female" and "80% male". Of
    more than two categories each name goes on by one and the same number of places. Names of
    shares are met evenly.
    """
    n, seed = len(attribute.categories), int(rng.integers(2**63))
    moved = int(rng.integers(1, n))
    said = []
    for order in (list(range(n)), [(k + moved) % n for k in range(n)]):
        named = [attribute.categories[k] for k in order]
        own = attribute.model_copy(update={"categories": named})
        drawn = np.random.default_rng(seed)
        target, statement = state(shares, own, phrasings, split, drawn, evenly=True)
        said.append(([target[order.index(k)] for k in range(n)], statement))
    return said


def _part(item: Item, count: int, of: int, word: str) -> str:
    values = {"word": word, "count": count, "of": of, "decimal": f"{count / of:g}"}
    if "{percent}" in item.text:
        values["percent"] = f"{100 * count / of:g}"
    if item.kind == "words":
        values |= {"count_word": NUMBERS[count], "of_word": NUMBERS[of]}
    return item.text.format(**values)


def stated_prompt(question: str, statement: Statement) -> str:
    """The question with its statement; the statement begins with a capital where it is first."""
    shares = statement.shares
    if statement.frame.startswith("{shares}"):
        shares = shares[0].upper() + shares[1:]
    parts = statement.frame.split("{question}")
    return question.join(part.replace("{shares}", shares) for part in parts)


def draw_shares(
    alpha: float, n: int, rng: np.random.Generator, answer: int | None = None
) -> list[float]:
    """Shares of n categories from a symmetric Dirichlet distribution, (n,).

    With an `answer` they are drawn from the posterior after it. If answers are even over all rows,
    each row's answer then follows its own shares, as if the shares had been drawn first.
    """
    weights = np.full(n, alpha)
    if answer is not None:
        weights[answer] += 1
    return rng.dirichlet(weights).tolist()


def contexts_to_test(
    names: Sequence[str],
    per_name: int,
    attribute: Attribute,
    stating: Stating,
    rng: np.random.Generator,
) -> list[Context]:
    """Contexts of a test: each name with several targets, stated in phrasings of two splits.

    Known phrasings (of the split train) and unseen ones (of test) take turns.
    """
    contexts: dict[str, Context] = {}
    for number in range(per_name * len(names)):
        about = names[number // per_name]
        split: Split = "test" if number % 2 else "train"
        for _ in range(TRIES):
            shares = draw_shares(stating.alpha, len(attribute.categories), rng)
            target, said = state(shares, attribute, stating.phrasings, split, rng)
            name = f"{about}, {said.shares}"
            if name not in contexts:
                break
        contexts[name] = Context(name=name, target=target, about=about, statement=said)
    return list(contexts.values())


Row = TypeVar("Row", Preference, Prompt)


def state_rows(
    rows: Sequence[Row],
    spec: DatasetSpec,
    stating: Stating,
    split: Split,
    rng: np.random.Generator,
) -> list[Row]:
    """The rows with a target of their own in their prompts, but for the share that states none.

    Args:
        rows: of D_pref, whose categories are even, or validation prompts.
        stating: of the data set.
        split: of the phrasings.
    """
    stated = []
    for row in rows:
        if rng.random() < stating.unstated:
            stated.append(row)
            continue
        answer = spec.categories.index(row.category) if isinstance(row, Preference) else None
        shares = draw_shares(stating.alpha, len(spec.categories), rng, answer)
        target, said = state(shares, spec.attribute, stating.phrasings, split, rng)
        prompt = stated_prompt(row.prompt, said)
        stated.append(row.model_copy(update={"prompt": prompt, "target": target}))
    return stated
