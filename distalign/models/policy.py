"""A policy: what a method samples from. Base model, adapter if any, tokens, decoding."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from distalign.machine.cores import threads_of
from distalign.machine.precision import Precision, torch_dtype
from distalign.machine.provenance import Provenance
from distalign.models.chat import first_items
from distalign.models.steering import ADDED, Steering
from distalign.records.files import write_json
from distalign.records.schemas import InputError

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase

PolicyDecoding = Literal["plain", "two_step", "external", "constrained"]
"""plain: the model alone. two_step: the steering token is drawn from its probabilities, then the
response. external: the steering token is drawn from the target, outside the model. constrained:
every token is drawn from those that continue one of the categories' words."""
DESCRIPTION = "policy.json"


class LoraParams(BaseModel):
    """The `lora` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    r: int = Field(ge=1)
    alpha: int = Field(ge=1)
    target_modules: list[str] | Literal["all-linear"]
    layers: float = Field(gt=0, le=1)
    """Share of the layers that are adapted, from the last: those before need no backward pass."""


class Policy(BaseModel):
    """`policy.json`, beside the adapter's own files."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    method: str
    base_sha256: str
    """Digest of the base weights that the adapter belongs to."""
    adapter: bool
    steering: Steering | None
    decoding: PolicyDecoding
    max_tokens: int | None = None
    """Of a response, where the method needs another limit than `sample.max_tokens`."""
    trained: Provenance | None
    """With what, and in which precision; None where nothing was trained."""


def load_base(base: Path, precision: Precision) -> Any:
    """The base model, with the attention that `distalign.models.forward` runs it by."""
    import torch
    from transformers import AutoModelForCausalLM

    from distalign.models.packing import ATTENTION

    torch.set_num_threads(threads_of())
    return AutoModelForCausalLM.from_pretrained(
        base,
        dtype=torch_dtype(precision),
        attn_implementation=ATTENTION,
        use_safetensors=True,
    )


def _grow_vocabulary(model: Any, tokenizer: "PreTrainedTokenizerBase") -> None:
    """Give added tokens their rows of the embedding."""
    if len(tokenizer) > model.config.vocab_size:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)


def linear_names(model: Any) -> list[str]:
    """Last names of the linear modules but the output layer: peft divides no "all-linear"."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D  # GPT-2's

    names = {
        name.split(".")[-1]
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and module is not model.get_output_embeddings()
    }
    return sorted(names)


def n_adapted(share: float, depth: int) -> int:
    """How many of a model's layers a share of them is: at least the last one."""
    return max(1, round(share * depth))


def new_adapter(
    base: Path,
    tokenizer: "PreTrainedTokenizerBase",
    lora: LoraParams,
    steering: Steering | None,
    precision: Precision,
) -> "PeftModel":
    """The base model with a fresh LoRA in float32; rows of added tokens are trainable."""
    from peft import LoraConfig, get_peft_model

    from distalign.models.adapted import with_adapted_layers

    model = load_base(base, precision)
    _grow_vocabulary(model, tokenizer)
    rows = None
    names = {module: name.split(".")[-1] for name, module in model.named_modules()}
    if steering is not None and steering.form == ADDED:
        # The model may have had rows for them before: Qwen2's vocabulary is padded. Where the
        # output layer is not the embedding, it has rows of its own.
        tied = model.config.tie_word_embeddings
        layers = [model.get_input_embeddings(), *([] if tied else [model.get_output_embeddings()])]
        rows = {names[layer]: steering.ids for layer in layers}
    modules, adapted = lora.target_modules, None
    if lora.layers < 1:
        depth = model.config.get_text_config().num_hidden_layers
        adapted = list(range(depth - n_adapted(lora.layers, depth), depth))
        modules = linear_names(model) if modules == "all-linear" else modules
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=0.0,
        target_modules=modules,
        layers_to_transform=adapted,
        trainable_token_indices=rows,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, with_adapted_layers(config))


def load_adapter(
    base: Path,
    adapter: Path,
    tokenizer: "PreTrainedTokenizerBase",
    precision: Precision,
    trainable: bool,
) -> "PeftModel":
    """The base model with a saved adapter.

    Raises:
        InputError: the adapter's files are missing or damaged, or do not fit the model.
    """
    if not (adapter / "adapter_model.safetensors").is_file():  # peft would read a pickle instead
        raise InputError(
            f"{adapter}: not an adapter (no safetensors); delete the folder and run `dvc repro`"
        )
    from peft import LoraConfig, PeftModel
    from safetensors import SafetensorError

    from distalign.models.adapted import with_adapted_layers

    model = load_base(base, precision)
    _grow_vocabulary(model, tokenizer)
    try:
        config = with_adapted_layers(LoraConfig.from_pretrained(adapter))
        return PeftModel.from_pretrained(model, adapter, is_trainable=trainable, config=config)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"{adapter}: not an adapter of {base} ({error}); delete the folder and run `dvc repro`"
        ) from error


def save_policy(policy: Policy, model: "PeftModel | None", tokenizer: Any, folder: Path) -> None:
    """Write adapter and tokenizer (for a trained method), then policy.json."""
    folder.mkdir(parents=True, exist_ok=True)
    if model is not None:
        config = model.peft_config["default"]
        config.target_modules = sorted(config.target_modules)  # a set, in any order
        model.save_pretrained(folder, selected_adapters=["default"])
        tokenizer.save_pretrained(folder)
    write_json(folder / DESCRIPTION, policy.model_dump())


def copy_policy(policy: Policy, start: Path, folder: Path) -> None:
    """Write the adapter and the tokenizer of another policy's folder, then policy.json."""
    shutil.copytree(start, folder, dirs_exist_ok=True)
    save_policy(policy, None, None, folder)


def read_policy(folder: Path) -> Policy:
    """Read policy.json. Raises InputError naming the folder."""
    try:
        return Policy.model_validate_json((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise InputError(f"{folder}: no policy ({error}); run `dvc repro`") from error


def check_base(policy: Policy, sha256: str, folder: Path) -> None:
    """Raises InputError if the policy was trained on other base weights."""
    if policy.base_sha256 != sha256:
        raise InputError(
            f"{folder}: trained on base weights {policy.base_sha256[:12]}, these are "
            f"{sha256[:12]}; run `dvc repro` to train anew"
        )


def check_tokenizer(policy: Policy, tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    """Raises InputError if a steering token is not the item that was trained."""
    if policy.steering is None:
        return
    steering = policy.steering
    found = first_items(tokenizer, steering.tokens)
    for token, item, there in zip(steering.tokens, steering.ids, found, strict=True):
        if there != item:
            raise InputError(
                f"{folder}: the steering token {token!r} is not item {item} of its tokenizer; "
                "delete the folder and run `dvc repro`"
            )


@contextlib.contextmanager
def merged(policy: Policy, folder: Path, base: Path, precision: Precision) -> Iterator[Path]:
    """A folder with the policy's whole model, its adapter merged into weights of a precision.

    One path for every engine: vLLM's own LoRA path takes no added embedding rows.
    """
    from transformers import AutoTokenizer

    if not policy.adapter:
        yield base
        return
    tokenizer = AutoTokenizer.from_pretrained(folder)
    check_tokenizer(policy, tokenizer, folder)
    with tempfile.TemporaryDirectory() as name:
        adapted = load_adapter(base, folder, tokenizer, precision, trainable=False)
        model = adapted.merge_and_unload()
        model.save_pretrained(name)
        tokenizer.save_pretrained(name)
        del adapted, model
        yield Path(name)
