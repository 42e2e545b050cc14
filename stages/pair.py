"""Turn D_base into the preference data D_pref of a training (equations 7-9).

Beside it go the validation prompts of the same settings, on which training measures its
calibration.
"""

import numpy as np

from distalign.pair import PairParams, interleave, pair
from distalign.records import Prompt, Response, read_jsonl, read_spec, write_jsonl
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        training="name of the training under pair.trainings",
        spec="data set specification",
        prompts="folder with the prompts of each setting",
        base="folder with D_base of each setting",
        pool="folder with the distinct responses of each setting",
        out="JSONL file for D_pref",
        validation="JSONL file for the validation prompts",
    )
    params = block(PairParams, "pair")
    files = [f"{setting}.jsonl" for setting in params.settings(args.training)]
    base = [row for file in files for row in read_jsonl(args.base / file, Response)]
    pool = [row for file in files for row in read_jsonl(args.pool / file, Response)]
    prompts = [row for file in files for row in read_jsonl(args.prompts / file, Prompt)]
    unseen = [prompt for prompt in prompts if prompt.split == "validation"]
    rng = np.random.default_rng(params.seed)
    write_jsonl(args.out, pair(base, pool, read_spec(args.spec).categories, rng))
    write_jsonl(args.validation, interleave(unseen, rng))


if __name__ == "__main__":
    run(main)
