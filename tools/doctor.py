"""Check one model of params.yaml, and print what was found.

    python -m tools.doctor --model smollm2-135m

A model that was fetched is read where it lies; another one is fetched for the check alone.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from distalign.models.base_model import BaseModelParams, fetch
from distalign.records.files import read_attribute
from distalign.records.schemas import InputError
from stages.cli import block, precision, run

ATTRIBUTES = Path("data/attributes")


def findings(folder: Path, attributes: Path) -> Iterator[str]:
    """Lines about a fetched model: template, first place, steering items, vLLM, size.

    Args:
        attributes: folder of the attributes whose steering tokens are looked for.
    """
    from transformers import AutoTokenizer

    from distalign.models.chat import chat_ids
    from distalign.models.self_check import check_log_probabilities
    from distalign.models.steering import resolve

    tokenizer = AutoTokenizer.from_pretrained(folder)
    yield f"a prompt ends with {tokenizer.decode(chat_ids(tokenizer, 'What is it?')[-12:])!r}"
    for path in sorted(attributes.glob("*.yaml")):
        attribute = read_attribute(path)
        for form in attribute.categories[0].tokens:
            try:
                found = resolve(AutoTokenizer.from_pretrained(folder), attribute, form)
                told = ", ".join(f"{t} = {i}" for t, i in zip(found.tokens, found.ids, strict=True))
            except InputError as fault:
                told = f"refused: {fault}"
            yield f"steering {attribute.name}, {form}: {told}"
    error = check_log_probabilities(folder)
    yield f"log-probabilities: within {error:.0e} of the model's own, in float32"
    yield from _vllm(folder)
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    yield f"size: {size / 1e9:.2f} GB of weights; would run in {precision()}"


def _vllm(folder: Path) -> Iterator[str]:
    from vllm.model_executor.models import ModelRegistry

    from distalign.engines.vllm_settings import longest_text

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    known = set(config["architectures"]) & set(ModelRegistry.get_supported_archs())
    yield f"vLLM: {'knows' if known else 'does not know'} {config['architectures'][0]}"
    yield f"longest text: {longest_text(config)} tokens"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="name of the model in params.yaml")
    args = parser.parse_args()
    params = block(BaseModelParams, "base_model", args.model)
    there = Path("models/base") / args.model
    with tempfile.TemporaryDirectory() as name:
        folder = there if (there / "source.json").is_file() else Path(name)
        if folder != there:
            for line in fetch(params.source, params.revision, folder, params.template):
                print(line)
        for line in findings(folder, ATTRIBUTES):
            print(line)


if __name__ == "__main__":
    run(main)
