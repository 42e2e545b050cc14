"""Fetch a base model: its weights as safetensors, its tokenizer and where they came from."""

from distalign.models.base_model import BaseModelParams, fetch
from stages.cli import block, parse, run


def main() -> None:
    args = parse(__doc__, model="name of the model in params.yaml", out="folder to fill")
    params = block(BaseModelParams, "base_model", args.model)
    for line in fetch(params.source, params.revision, args.out, params.template):
        print(f"{args.model}: {line}")


if __name__ == "__main__":
    run(main)
