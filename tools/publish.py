"""Make a folder of a trained policy that can be passed on: adapter, tokenizer and model card.

    distalign-publish --policy models/policy/smollm2-135m/attribute/uk_real/ours/0 \\
        --base models/base/smollm2-135m --spec data/targets/uk_real.json \\
        --metrics metrics/smollm2-135m/attribute/attribute/uk_real/ours/0.json --out uk-real

`make publish POLICY=… OUT=…` finds the other files itself. The card says what was measured.
"""

import json
import shutil
import tempfile
from pathlib import Path

from distalign.models.policy import check_base, read_policy
from distalign.records.files import read_source, read_spec, write_text
from distalign.records.schemas import InputError
from stages.cli import parse, run
from tools.policies import check_trained


def main() -> None:
    args = parse(
        __doc__,
        policy="folder of the policy",
        base="folder of its base model",
        spec="data set it was trained on",
        metrics="JSON file of its score",
        out="folder to make",
    )
    check_trained(args.policy)
    # Slow to import: not before flags are read.
    from distalign.serving.model_card import model_card, name_base

    if args.out.exists():
        raise InputError(f"{args.out} exists; name another folder with OUT=")
    policy, source = read_policy(args.policy), read_source(args.base)
    check_base(policy, source["sha256"], args.policy)
    try:
        metrics = json.loads(args.metrics.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{args.metrics}: no score of the policy; run `dvc repro`") from error
    card = model_card(policy, source, read_spec(args.spec), metrics, args.out.name)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    # Made elsewhere first: what is cut off leaves no folder that looks whole.
    with tempfile.TemporaryDirectory(prefix=".publish-", dir=args.out.parent) as place:
        made = Path(place) / args.out.name
        shutil.copytree(args.policy, made, ignore=shutil.ignore_patterns("README.md"))
        name_base(made, source)
        write_text(made / "README.md", card)
        made.rename(args.out)
    print(f"{args.out}: {', '.join(sorted(path.name for path in args.out.iterdir()))}")


def command() -> None:
    """As a console command."""
    run(main)


if __name__ == "__main__":
    command()
