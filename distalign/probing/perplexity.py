"""How likely the base model finds texts that a policy wrote: what training did to the language."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from distalign.models.chat import chat_ids
from distalign.models.forward import score_completions
from distalign.records.schemas import Judgement

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BATCH_SIZE = 16


def perplexity(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    rounds: Sequence[Judgement],
    per_context: int,
) -> float:
    """exp of the mean negative log-likelihood a token of the texts, each after its prompt.

    The end of a text is left out, as a limit may have cut it. Empty texts have no token; nan
    where there is none.

    Args:
        model: from `distalign.models.policy.load_base`.
        per_context: rounds of each context that are read, the first ones.
    """
    import torch
    from tqdm import tqdm

    read = [row for row in rounds if row.round < per_context]
    rows = [(chat_ids(tokenizer, row.prompt), _text_ids(tokenizer, row.text)) for row in read]
    # Prompts that begin alike lie in one batch, and share their tokens.
    rows = sorted(row for row in rows if row[1])
    total, n_tokens = 0.0, 0
    with torch.no_grad():
        for start in tqdm(range(0, len(rows), BATCH_SIZE), desc="perplexity", unit="batch"):
            scored = score_completions(model, *zip(*rows[start : start + BATCH_SIZE], strict=True))
            total -= float(scored.logps.sum())
            n_tokens += scored.n_tokens
    return math.exp(total / n_tokens) if n_tokens else math.nan


def _text_ids(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]
