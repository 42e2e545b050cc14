"""`ours` with other words, or new tokens, as its steering tokens (table 6)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from distalign.machine.precision import Precision
from distalign.machine.provenance import here
from distalign.models.policy import DESCRIPTION, LoraParams, Policy, save_policy
from distalign.models.steering import resolve
from distalign.records.files import read_source
from distalign.records.requests import Request
from distalign.records.schemas import DatasetSpec, Preference, Prompt
from distalign.training.methods import HybridParams, WarmupParams
from distalign.training.run import train

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def train_form(
    form: str,
    warmup: WarmupParams,
    params: HybridParams,
    lora: LoraParams,
    base: Path,
    tokenizer: "PreTrainedTokenizerBase",
    rows: Sequence[Preference],
    validation: Sequence[Prompt],
    requests: Sequence[Request],
    spec: DatasetSpec,
    seed: int,
    precision: Precision,
    folder: Path,
) -> Path:
    """Warm up and train with steering tokens of a form; the folder of the policy.

    What is finished in `folder` is not trained again.

    Args:
        form: a key of the attribute's `tokens`.
        tokenizer: of the base model; gets the tokens of the form `added`.

    Raises:
        InputError: see `steering.resolve`.
    """
    steering = resolve(tokenizer, spec.attribute, form)
    start = None
    for name, objective in (("warmup", warmup), ("ours", params)):
        policy = Policy(
            method=name,
            base_sha256=read_source(base)["sha256"],
            adapter=True,
            steering=steering,
            decoding="two_step",
            trained=here(precision),
        )
        out = folder / name
        if not (out / DESCRIPTION).is_file():  # written last
            model = train(
                objective,
                base,
                start,
                lora,
                tokenizer,
                steering,
                rows,
                validation,
                requests,
                spec,
                seed,
                precision,
                folder / f"{name}_checkpoints",
                folder / f"{name}.csv",
            )
            save_policy(policy, model, tokenizer, out)
        start = out
    return start
