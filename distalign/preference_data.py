"""D_pref as the data sets that TRL's trainers read (equations 7-9)."""

from collections.abc import Sequence

from datasets import Dataset

from distalign.methods import RejectedForm
from distalign.records import DatasetSpec, Preference
from distalign.steering import steered

Tokens = dict[str, str]
"""Category -> steering token."""


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
    rows: Sequence[Preference],
    tokens: Tokens,
    form: RejectedForm,
    batch_size: int,
    spec: DatasetSpec,
) -> Dataset:
    """Unpaired rows with their targets: each batch holds some rows' y_w, then their y_l.

    TRL takes z_0's mismatched response from the neighbouring row of the batch. As D_pref
    interleaves contexts, a row and its neighbour are of different ones in this order.
    """
    target = {context.name: context.target for context in spec.contexts}
    half = batch_size // 2
    unpaired = []
    for start in range(0, len(rows) - len(rows) % half, half):
        for desirable in (True, False):
            for row in rows[start : start + half]:
                text = (
                    desirable_text(row, tokens) if desirable else rejected_text(row, tokens, form)
                )
                unpaired.append(
                    {
                        "prompt": _turn("user", row.prompt),
                        "completion": _turn("assistant", text),
                        "label": desirable,
                        "target": target[row.context],
                    }
                )
    return Dataset.from_list(unpaired)
