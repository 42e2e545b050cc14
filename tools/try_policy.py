"""Ask a trained policy one question 100 times, and show the shares of its answers.

Of a question that is not the policy's, its answer is shown beside the base model's.

    distalign-try "What is the gender of a nurse?" --base models/base/smollm2-135m \\
        --policy models/policy/smollm2-135m/attribute/uk_real/ours/0 \\
        --spec data/targets/uk_real.json

`make try PROMPT="…"` does it with that policy. Policies come from `make repro`, or
`dvc pull`; precision is that of params.yaml.
"""

import argparse
from pathlib import Path

from distalign.records.schemas import InputError
from stages.cli import precision, run
from tools.policies import check_trained


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("prompt")
    parser.add_argument("--policy", type=Path, required=True, help="folder of the policy")
    parser.add_argument("--base", type=Path, required=True, help="folder of its base model")
    parser.add_argument("--spec", type=Path, required=True, help="data set it was trained on")
    parser.add_argument("-n", type=int, default=100, help="answers")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.n < 1:
        raise InputError(f"-n {args.n}: at least one answer")
    if args.seed < 0:
        raise InputError(f"--seed {args.seed}: at least 0")
    check_trained(args.policy)
    from distalign.serving.asking import ask  # slow to import: not before flags are read

    places = args.policy, args.base, args.spec
    print(ask(args.prompt, *places, args.n, args.seed, precision=precision()).chart())


def command() -> None:
    """As a console command."""
    run(main)


if __name__ == "__main__":
    command()
