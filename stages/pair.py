"""Draw D_base (equation 6) and turn it into the preference data D_pref (equations 7-9).

Beside it go the validation prompts, on which training measures its calibration.
"""

import numpy as np

from distalign.data.pair import PairParams, interleave, pair
from distalign.data.stated import state_rows
from distalign.data.synthesize import draw_base
from distalign.data.variety import response_report
from distalign.records.files import read_jsonl, read_spec, write_json, write_jsonl
from distalign.records.schemas import Prompt, Response
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        spec="data set specification",
        prompts="JSONL file of prompts",
        pool="JSONL file with the distinct responses",
        base="JSONL file for D_base",
        report="JSON file for its variety and the share of each source",
        out="JSONL file for D_pref",
        validation="JSONL file for the validation prompts",
    )
    params = block(PairParams, "pair")
    rng = np.random.default_rng(params.seed)
    spec, pool = read_spec(args.spec), read_jsonl(args.pool, Response)
    prompts = read_jsonl(args.prompts, Prompt)
    base = draw_base(spec.for_training(), prompts, pool, params.responses, rng)
    unseen = [row for row in prompts if row.split == "validation"]
    rows, unseen = pair(base, pool, spec.categories, rng), interleave(unseen, rng)
    if spec.stating is not None:
        rows = state_rows(rows, spec, spec.stating, "train", rng)
        unseen = state_rows(unseen, spec, spec.stating, "validation", rng)
    write_jsonl(args.base, base)
    write_json(args.report, response_report(base, pool, spec.attribute))
    write_jsonl(args.out, rows)
    write_jsonl(args.validation, unseen)


if __name__ == "__main__":
    run(main)
