"""What the server loads: the base model, and the policy's adapter beside it."""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from distalign.machine.precision import Precision
from distalign.models.policy import Policy, check_tokenizer, load_adapter, load_base
from distalign.models.steering import ADDED, Steering
from distalign.records.schemas import InputError

VARIABLE = "DISTALIGN_SERVED"
"""In the environment of the server's process: `Served` as JSON."""
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Of adapters for which vLLM can make room."""
WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"


class Served(BaseModel):
    """What the server's process is told."""

    model_config = ConfigDict(extra="forbid")
    adapter: Path
    steering: Steering


def check_servable(policy: Policy, folder: Path) -> None:
    """Raises InputError where the policy cannot answer in proportion by itself."""
    if policy.steering is None:
        raise InputError(f"{folder}: method {policy.method!r} has no steering tokens to draw")
    if policy.decoding == "external":
        raise InputError(
            f"{folder}: method {policy.method!r} draws its steering token from the target of a "
            "data set's context, which a client's question does not name; serve a method that "
            "is decoded in two steps, as `ours`"
        )


def room_for(adapter: Path) -> int:
    """The rank that vLLM makes room for. Raises InputError where the adapter's is above all."""
    rank = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))["r"]
    if rank > RANKS[-1]:
        raise InputError(f"{adapter / CONFIG}: r is {rank}; vLLM serves adapters up to {RANKS[-1]}")
    return next(room for room in RANKS if room >= rank)


@contextlib.contextmanager
def served_parts(
    policy: Policy, folder: Path, base: Path, precision: Precision
) -> Iterator[tuple[Path, Path]]:
    """Folders of the base model and of the adapter.

    Tokens that were added for the policy have trained rows, which vLLM's adapters cannot hold.
    They are then the base model's: they change nothing of how it reads a text without them.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    check_tokenizer(policy, tokenizer, folder)
    if policy.steering.form != ADDED:
        yield base, folder
        return
    with tempfile.TemporaryDirectory() as name:
        whole, adapter = Path(name, "base"), Path(name, "adapter")
        adapted = load_adapter(base, folder, tokenizer, precision, trainable=False)
        trained, model = adapted.merge_and_unload(), load_base(base, precision)
        if len(tokenizer) > model.config.vocab_size:
            model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        for layer in ("get_input_embeddings", "get_output_embeddings"):
            rows = getattr(trained, layer)().weight.data[policy.steering.ids]
            getattr(model, layer)().weight.data[policy.steering.ids] = rows
        model.save_pretrained(whole)
        tokenizer.save_pretrained(whole)
        del adapted, trained, model
        _without_rows(folder, adapter)
        yield whole, adapter


def _without_rows(folder: Path, adapter: Path) -> None:
    """Write the adapter without the rows of its added tokens."""
    from safetensors.torch import load_file, save_file

    adapter.mkdir()
    weights = load_file(folder / WEIGHTS)
    save_file({k: v for k, v in weights.items() if ".lora_" in k}, adapter / WEIGHTS)
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    (adapter / CONFIG).write_text(json.dumps(config | {"trainable_token_indices": None}))
