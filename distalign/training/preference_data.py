"""D_pref as the data sets that TRL's trainers read (equations 7-9)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from datasets import Dataset

from distalign.models.chat import chat_ids
from distalign.models.steering import steered
from distalign.records.joined import of_part, questions
from distalign.records.schemas import DatasetSpec, Preference
from distalign.training.methods import RejectedForm
from distalign.training.stated_steps import StatedSteps, Unstated
from distalign.training.step_rows import OfSteps, StepRows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Tokens = dict[str, str]
"""Category -> steering token."""
Asked = tuple[list[int], list[float]]
"""Token ids of a prompt, and its target (K,)."""


def _turn(role: str, content: str) -> list[dict[str, str]]:
    return [{"role": role, "content": content}]


def desirable_text(row: Preference, tokens: Tokens | None) -> str:
    """y_w = [τ_a; r]; the bare response for a method without steering tokens."""
    return steered(tokens[row.category], row.response) if tokens else row.response


def rejected_text(row: Preference, tokens: Tokens, form: RejectedForm) -> str:
    """y_l = [τ_neg; r_neg] (paper) or [τ_a; r_neg] (mismatched).

    The paper's pair is consistent: pushing it down also unlearns that τ_neg means r_neg.
    The mismatched pair is what inference must never produce.
    """
    category = row.rejected_category if form == "paper" else row.category
    return steered(tokens[category], row.rejected_response)


def ift_rows(rows: Sequence[Preference], tokens: Tokens | None) -> Dataset:
    return Dataset.from_list(
        [
            {
                "prompt": _turn("user", row.prompt),
                "completion": _turn("assistant", desirable_text(row, tokens)),
            }
            for row in rows
        ]
    )


def dpo_rows(rows: Sequence[Preference], tokens: Tokens, form: RejectedForm) -> Dataset:
    return Dataset.from_list(
        [
            {
                "prompt": _turn("user", row.prompt),
                "chosen": _turn("assistant", desirable_text(row, tokens)),
                "rejected": _turn("assistant", rejected_text(row, tokens, form)),
            }
            for row in rows
        ]
    )


def hybrid_rows(
    rows: Sequence[Preference], tokens: Tokens, form: RejectedForm, spec: DatasetSpec
) -> Dataset:
    """Unpaired rows with their targets: each row's y_w, then its y_l, of the same prompt."""
    target = {context.name: context.target for context in spec.contexts}
    return Dataset.from_list(
        [
            {
                "prompt": _turn("user", row.prompt),
                "completion": _turn("assistant", text),
                "label": desirable,
                "target": row.target or target[row.context],
            }
            for row in rows
            for desirable, text in (
                (True, desirable_text(row, tokens)),
                (False, rejected_text(row, tokens, form)),
            )
        ]
    )


def asked_rows(
    tokenizer: "PreTrainedTokenizerBase",
    rows: Sequence[Preference],
    spec: DatasetSpec,
    per_step: int,
    n_steps: int,
    seed: int,
) -> OfSteps[Asked] | None:
    """Prompts with their targets that a step holds for L_KL alone; None: it holds none.

    Where prompts state their targets, each step states others (`StatedSteps`).

    Raises:
        InputError: see StatedSteps.
    """
    if per_step == 0:
        return None
    stated = [part for part in questions(spec) if part.stating is not None]
    if stated:
        bare = [row for row in rows if row.target is None]
        unstated = [
            Unstated(part, [row.prompt for row in of_part(bare, part, spec)]) for part in stated
        ]
        return StatedSteps(tokenizer, unstated, spec.categories, per_step, n_steps, seed)
    target = {context.name: context.target for context in spec.contexts}
    asked = [(chat_ids(tokenizer, row.prompt), row.target or target[row.context]) for row in rows]
    return StepRows(asked, per_step, seed)


def mismatched_rows(n: int, batch_size: int) -> list[int]:
    """For each y_w of n unpaired rows the one whose completion is its y' of z_0 (equation 2).

    It is the y_w of the pair before in the step. As D_pref interleaves contexts, a y' is of
    another one. No y' is a y_l: training drives those down, z_0 would be clamped at 0 in nearly
    every step, and equation 2 without effect. TRL's rotation by one would give y_l the y_w of its
    own prompt, and depend on how a step is divided over processes. One y' a prompt is enough to
    estimate a mean, so the y_l have none.

    Args:
        batch_size: rows a step, over all processes; each two are the y_w and y_l of a pair.
    """
    found = []
    for start in range(0, n, batch_size):
        pairs = (min(start + batch_size, n) - start) // 2
        found += [start + 2 * ((pair - 1) % pairs) for pair in range(pairs)]
    return found
