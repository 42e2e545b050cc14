"""Turn D_base into the preference data D_pref (equations 7-9).

Beside it go the validation prompts, on which training measures its calibration.
"""

import numpy as np

from distalign.data.pair import PairParams, interleave, pair
from distalign.data.stated import state_rows
from distalign.records.files import read_jsonl, read_spec, write_jsonl
from distalign.records.schemas import Prompt, Response
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        spec="data set specification",
        prompts="JSONL file of prompts",
        base="JSONL file with D_base",
        pool="JSONL file with the distinct responses",
        out="JSONL file for D_pref",
        validation="JSONL file for the validation prompts",
    )
    rng = np.random.default_rng(block(PairParams, "pair").seed)
    base, pool = read_jsonl(args.base, Response), read_jsonl(args.pool, Response)
    unseen = [row for row in read_jsonl(args.prompts, Prompt) if row.split == "validation"]
    spec = read_spec(args.spec)
    rows, unseen = pair(base, pool, spec.categories, rng), interleave(unseen, rng)
    if spec.stating is not None:
        rows = state_rows(rows, spec, spec.stating, "train", rng)
        unseen = state_rows(unseen, spec, spec.stating, "validation", rng)
    write_jsonl(args.out, rows)
    write_jsonl(args.validation, unseen)


if __name__ == "__main__":
    run(main)
