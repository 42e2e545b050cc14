"""What a policy leaves alone: how far it is from the base model on requests not its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from distalign.models.forward import Row, completion_logits
from distalign.models.steering import STEERED_MASS, Steering
from distalign.probing.perplexity import batches, rows_perplexity
from distalign.records.requests import Request, Retention
from distalign.records.schemas import Preference
from distalign.training.retention import answered_rows, to_hold

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase


def text_rows(tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str]) -> list[Row]:
    """Texts as completions of the token that begins a document, or of their own first."""
    bos = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    ids = [bos + tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    return [(row[:1], row[1:]) for row in ids]


def divergences(
    model: "PeftModel", rows: Sequence[Row], steering: Steering | None, of: str
) -> tuple[float, list[float]]:
    """KL(base || policy) in nats a token of the answers, and each prompt's steering mass.

    The mass is what the policy puts on its steering tokens beyond the base model, whose own answer
    may begin with one: "17 plus 25" with a digit. The server draws by the same rule.
    """
    total, n_tokens, masses = 0.0, 0, []
    exact = torch.tensor(steering.ids, device=model.device) if steering else None
    for batch in batches(rows, of):
        log_p = completion_logits(model, batch, exact).log_softmax(-1)
        with model.disable_adapter():
            log_base = completion_logits(model, batch, exact).log_softmax(-1)
        total += float(F.kl_div(log_p, log_base, reduction="sum", log_target=True))
        n_tokens += len(log_p)
        if exact is not None:
            lengths = torch.tensor([len(answer) for _, answer in batch])
            firsts = (lengths.cumsum(0) - lengths).to(log_p.device)
            added = log_p[firsts][:, exact].exp() - log_base[firsts][:, exact].exp()
            masses += added.sum(-1).clamp(min=0).tolist()
    return total / n_tokens, masses


def measure(
    model: "PeftModel",
    tokenizer: "PreTrainedTokenizerBase",
    steering: Steering | None,
    requests: Sequence[Request],
    trained: Sequence[Preference],
    texts: Sequence[str],
) -> Retention:
    """The measures of `Retention`, on the test split of the requests.

    Args:
        model: the base model with the policy's adapter.
        trained: rows that the policy was trained on; what may be their question is not measured.
        texts: ordinary ones, of which the perplexity is measured.
    """
    measured = to_hold(requests, trained, "test")
    values: dict[str, float | int | None] = {}
    with torch.inference_mode():
        for kind, name in (("ordinary", "unrelated"), ("near_miss", "near_miss")):
            rows = answered_rows(tokenizer, [row for row in measured if row.kind == kind])
            values[f"kl_{kind}"], masses = divergences(model, rows, steering, name)
            over = sum(mass >= STEERED_MASS for mass in masses) / len(masses) if masses else None
            values[f"{name}_over_half"], values[f"n_{name}"] = over, len(rows)
            if name == "unrelated":
                values["unrelated_mass"] = sum(masses) / len(masses) if masses else None
        ordinary = text_rows(tokenizer, texts)
        values["perplexity"] = rows_perplexity(model, ordinary, "ordinary text")
        with model.disable_adapter():
            values["perplexity_base"] = rows_perplexity(model, ordinary, "ordinary text")
    return Retention(
        **{
            name: value if value is None or isinstance(value, int) else round(value, 6)
            for name, value in values.items()
        }
    )
