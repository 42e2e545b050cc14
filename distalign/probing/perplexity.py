"""How likely the base model finds texts that a policy wrote: what training did to the language."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from distalign.models.chat import chat_ids
from distalign.models.forward import Row, score_completions
from distalign.records.schemas import Judgement

if TYPE_CHECKING:
    from torch import nn
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
    read = [row for row in rounds if row.round < per_context]
    rows = [(chat_ids(tokenizer, row.prompt), _text_ids(tokenizer, row.text)) for row in read]
    # Prompts that begin alike lie in one batch, and share their tokens.
    rows = sorted(row for row in rows if row[1])
    return rows_perplexity(model, rows, "perplexity")


def rows_perplexity(model: "nn.Module", rows: Sequence[Row], of: str) -> float:
    """exp of the mean negative log-likelihood a token of the completions; nan without a token.

    Args:
        of: what the progress bar names.
    """
    import torch

    total, n_tokens = 0.0, 0
    with torch.no_grad():
        for batch in batches(rows, of):
            prompts, completions = zip(*batch, strict=True)
            scored = score_completions(model, prompts, completions)
            total -= float(scored.logps.sum())
            n_tokens += int(scored.lengths.sum())
    return math.exp(total / n_tokens) if n_tokens else math.nan


def batches(rows: Sequence[Row], of: str) -> Iterator[Sequence[Row]]:
    from tqdm import tqdm

    starts = tqdm(range(0, len(rows), BATCH_SIZE), desc=of, unit="batch")
    return (rows[start : start + BATCH_SIZE] for start in starts)


def _text_ids(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]
