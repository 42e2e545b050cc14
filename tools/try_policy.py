"""Ask a trained policy one question 100 times, and show the shares of its answers.

Of a question that is not the policy's, its answer is shown beside the base model's.

    make try PROMPT="What is the gender of a nurse?"
    make try PROMPT="…" POLICY=models/policy/smollm2-135m/attribute/uk_even/ours/0 \\
        SPEC=data/targets/uk_even.json
"""

import argparse
from pathlib import Path

from stages.cli import precision, run


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
    from distalign.serving.asking import ask  # slow to import: not before flags are read

    places = args.policy, args.base, args.spec
    print(ask(args.prompt, *places, args.n, args.seed, precision=precision()).chart())


if __name__ == "__main__":
    run(main)
