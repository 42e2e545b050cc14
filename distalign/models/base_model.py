"""Fetch a base model and keep it as safetensors with its tokenizer and its provenance."""

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from distalign.machine.precision import STORED, torch_dtype
from distalign.models.self_check import check_log_probabilities, check_whole
from distalign.models.template import Argument, settle
from distalign.records.files import write_json
from distalign.records.schemas import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

PACKAGE_PREFIX = "package:"


class BaseModelParams(BaseModel):
    """One entry of the `base_model` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    source: str
    revision: str | None
    template: dict[str, Argument] = {}
    """Arguments of the chat template, e.g. {enable_thinking: false}."""


def fetch(
    source: str, revision: str | None, folder: Path, template: Mapping[str, Argument] | None = None
) -> list[str]:
    """Put a model's weights, tokenizer and `source.json` into a folder, and check the model.

    Args:
        source: `package:NAME` for an installed Python package that carries one GGUF file, the path
            of a GGUF file, a local folder, or a Hugging Face id.
        revision: the package's version, the GGUF file's SHA-256 or the hub's commit; None for a
            local folder, and for a GGUF file whichever it is.
        folder: is made; receives model.safetensors, or shards, in the numbers of the source.
        template: arguments of the chat template.

    Returns:
        What was found and changed, a line each.

    Raises:
        InputError: the source does not exist, is not of the revision asked for, or is a model that
            cannot be trained here; says why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Written last: a model that is refused leaves none of an earlier one.
    (folder / "source.json").unlink(missing_ok=True)
    path, resolved = Path(source), revision
    if source.startswith(PACKAGE_PREFIX):
        resolved = _from_package(source.removeprefix(PACKAGE_PREFIX), revision, folder)
    elif path.suffix == ".gguf":
        resolved = _from_file(path, revision, folder)
    elif path.is_dir():
        resolved = None
        _from_folder(path, revision, folder)
    else:
        from distalign.models.hub import download

        resolved = download(source, revision, folder)
    found = _settle(source, folder, template or {})
    write_json(
        folder / "source.json",
        {"source": source, "revision": resolved, "sha256": weights_digest(folder)}
        # What the model answers depends on them as well.
        | ({"template": json.dumps(dict(template), sort_keys=True)} if template else {}),
    )
    return found


def _settle(source: str, folder: Path, template: Mapping[str, Argument]) -> list[str]:
    """Settle template and generation settings, and check the log-probabilities."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        found = settle(tokenizer, template)
        tokenizer.save_pretrained(folder)
        _mend_generation(folder)
        error = check_log_probabilities(folder)
    except InputError as fault:
        raise InputError(f"base_model: {source}: {fault}") from fault
    return [*found, f"log-probabilities: within {error:.0e} of the model's own, in float32"]


def _mend_generation(folder: Path) -> None:
    """Make settings savable that transformers reads but refuses to write, as a temperature
    without do_sample, or leave of them what ends a response: nothing else plays a part here.
    """
    from transformers import GenerationConfig

    if not (folder / "generation_config.json").is_file():
        return
    settings = GenerationConfig.from_pretrained(folder)
    try:
        settings.save_pretrained(folder)
        return
    except ValueError:
        settings.do_sample = True
    try:
        settings.save_pretrained(folder)
    except ValueError:
        ends = {"bos_token_id": settings.bos_token_id, "eos_token_id": settings.eos_token_id}
        GenerationConfig(**ends).save_pretrained(folder)


def weights_digest(folder: Path) -> str:
    """SHA-256 over the safetensors files in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()


def _from_package(name: str, revision: str | None, folder: Path) -> str:
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
    _from_gguf(Path(str(files[0].locate())), folder)
    return distribution.version


def _from_file(path: Path, revision: str | None, folder: Path) -> str:
    if not path.is_file():
        raise InputError(f"base_model: {path}: no such file")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if revision not in (None, digest):
        raise InputError(f"base_model: {path} has the SHA-256 {digest}, revision is {revision!r}")
    _from_gguf(path, folder)
    return digest


def _from_gguf(path: Path, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        _check_gguf(path)
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
        read, info = AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, output_loading_info=True
        )
    except (ValueError, KeyError, NotImplementedError, OSError) as error:
        raise InputError(f"base_model: {path}: transformers cannot read it: {error}") from error
    check_whole(f"base_model: {path}", info)
    # A model read from GGUF refuses to be saved: copy its weights into a fresh one.
    config = read.config
    del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch_dtype(STORED))
    model.load_state_dict(read.state_dict())
    _save(model, tokenizer, folder)


def _check_gguf(path: Path) -> None:
    """Raises InputError for what transformers would leave out of the file without a word."""
    from gguf import GGUFReader

    reader = GGUFReader(path)
    parts = reader.fields.get("split.count")
    if parts is not None and parts.contents() > 1:
        raise InputError(
            f"base_model: {path} is one of {parts.contents()} parts; join them first: "
            "llama-gguf-split --merge"
        )
    lost = [
        name
        for name, field in reader.fields.items()
        if name.endswith(".rope.scaling.type") and field.contents() != "none"
    ]
    lost += [t.name for t in reader.tensors if t.name.startswith(("rope_freqs", "rope_factors"))]
    if lost:
        raise InputError(
            f"base_model: {path}: transformers does not read its {lost[0]}, and would make another "
            "model of it; take the safetensors"
        )


def _from_folder(source: Path, revision: str | None, folder: Path) -> None:
    if revision is not None:
        raise InputError(f"base_model: {source} is a folder and has no revision; set it to null")
    if not any(source.glob("*.safetensors")):
        raise InputError(f"base_model: {source} holds no safetensors; other weights are not read")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, info = AutoModelForCausalLM.from_pretrained(
        source, dtype="auto", use_safetensors=True, output_loading_info=True
    )
    check_whole(f"base_model: {source}", info)
    _save(model, AutoTokenizer.from_pretrained(source), folder)


def _save(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    # Written as they are; what transformers refuses to write again is mended in the folder.
    settings, model.generation_config = model.generation_config, type(model.generation_config)()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_json(folder / "generation_config.json", settings.to_diff_dict())
