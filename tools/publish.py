"""Make a folder of a trained policy that can be passed on: adapter, tokenizer and model card.

make publish POLICY=models/policy/smollm2-135m/attribute/uk_real/ours/0 OUT=uk-real
"""

import argparse
import json
import shutil
from pathlib import Path

from distalign.base_model import read_source
from distalign.policy import check_base, read_policy
from distalign.records import InputError, read_spec, write_text
from stages.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--policy", type=Path, required=True, help="folder of the policy")
    parser.add_argument("--base", type=Path, required=True, help="folder of its base model")
    parser.add_argument("--spec", type=Path, required=True, help="data set it was trained on")
    parser.add_argument("--metrics", type=Path, required=True, help="JSON file of its score")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    args = parser.parse_args()
    from distalign.model_card import model_card  # slow to import: not before flags are read

    if args.out.exists():
        raise InputError(f"{args.out} exists; name another folder with OUT=")
    policy, source = read_policy(args.policy), read_source(args.base)
    check_base(policy, source["sha256"], args.policy)
    try:
        metrics = json.loads(args.metrics.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{args.metrics}: no score of the policy; run `dvc repro`") from error
    card = model_card(policy, source, read_spec(args.spec), metrics, args.out.name)
    shutil.copytree(args.policy, args.out, ignore=shutil.ignore_patterns("README.md"))
    write_text(args.out / "README.md", card)
    print(f"{args.out}: {', '.join(sorted(path.name for path in args.out.iterdir()))}")


if __name__ == "__main__":
    run(main)
