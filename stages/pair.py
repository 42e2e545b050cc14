"""Draw D_base (equation 6) and turn it into the preference data D_pref (equations 7-9).

Beside it go the validation prompts, on which training measures its calibration.
"""

import numpy as np

from distalign.data.pair import PairParams, interleave, pair
from distalign.data.stated import state_rows
from distalign.data.synthesize import draw_base
from distalign.data.variety import response_report
from distalign.records.files import read_jsonl, read_spec, write_json, write_jsonl
from distalign.records.joined import of_part, of_whole, questions
from distalign.records.schemas import Preference, Prompt, Response
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
    params, spec = block(PairParams, "pair"), read_spec(args.spec)
    every, written = read_jsonl(args.prompts, Prompt), read_jsonl(args.pool, Response)
    rng = np.random.default_rng(params.seed)
    drawn, rows, unseen, reports = list[Response](), list[Preference](), list[Prompt](), {}
    for part in questions(spec):
        prompts, pool = of_part(every, part, spec), of_part(written, part, spec)
        base = draw_base(part.for_training(), prompts, pool, params.responses, rng)
        own = pair(base, pool, part.categories, rng)
        validation = [row for row in prompts if row.split == "validation"]
        if part.stating is not None:
            own = state_rows(own, part, part.stating, "train", rng)
            # Calibration on wordings that are new, in phrasings that are not.
            validation = state_rows(validation, part, part.stating, "train", rng)
        drawn += of_whole(base, part, spec)
        rows += of_whole(own, part, spec)
        unseen += of_whole(validation, part, spec)
        reports[part.name] = response_report(base, pool, part.attribute)
    write_jsonl(args.base, drawn)
    write_json(args.report, reports if spec.parts else reports[spec.name])
    write_jsonl(args.out, interleave(rows, rng))
    write_jsonl(args.validation, interleave(unseen, rng))


if __name__ == "__main__":
    run(main)
