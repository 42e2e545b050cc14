"""The warm-up of a method whose steering tokens are not those of the others (table 6)."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from distalign.data.pair import Examples
from distalign.machine.precision import Precision
from distalign.machine.provenance import here
from distalign.models.policy import DESCRIPTION, LoraParams, Policy, save_policy
from distalign.models.steering import resolve
from distalign.records.files import read_source
from distalign.records.schemas import InputError
from distalign.training.methods import WarmupParams
from distalign.training.run import train

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def warm_up(
    params: WarmupParams,
    base: Path,
    lora: LoraParams,
    tokenizer: "PreTrainedTokenizerBase",
    examples: Examples,
    seed: int,
    precision: Precision,
    folder: Path,
) -> Path:
    """Train a warm-up with the steering tokens of its form; the folder of its adapter.

    What is finished in `folder` is not trained again.

    Args:
        tokenizer: of the base model; gets the tokens of the form `added`.

    Raises:
        InputError: see `steering.resolve`; or there are several processes, whose group ends with
            one training.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(
            "a method with steering tokens of its own trains twice, which several processes "
            "cannot; set `launch: python -m` in params.yaml for it"
        )
    steering = resolve(tokenizer, examples.spec.attribute, params.steering)
    out = folder / "warmup"
    if (out / DESCRIPTION).is_file():  # written last
        return out
    model = train(
        params,
        base,
        None,
        lora,
        tokenizer,
        steering,
        examples,
        seed,
        precision,
        folder / "warmup_training",
        folder / "warmup.csv",
    )
    policy = Policy(
        method="warmup",
        base_sha256=read_source(base)["sha256"],
        adapter=True,
        steering=steering,
        decoding="two_step",
        trained=here(precision),
    )
    save_policy(policy, model, tokenizer, out)
    shutil.rmtree(folder / "warmup_training")
    return out
