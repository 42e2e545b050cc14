"""Turn D_base into the preference data D_pref (equations 7-9), contexts interleaved."""

import numpy as np

from distalign.pair import PairParams, pair
from distalign.records import Response, read_jsonl, read_spec, write_jsonl
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        spec="data set specification",
        base="JSONL file of D_base",
        pool="JSONL file of the distinct responses of each category",
        out="JSONL file for D_pref",
    )
    params = block(PairParams, "pair")
    base, pool = read_jsonl(args.base, Response), read_jsonl(args.pool, Response)
    rng = np.random.default_rng(params.seed)
    write_jsonl(args.out, pair(base, pool, read_spec(args.spec).categories, rng))


if __name__ == "__main__":
    run(main)
