"""Write responses of every category with an LLM and draw D_base from them (equation 6)."""

import numpy as np

from distalign.data.frames import write_responses
from distalign.data.stories import write_stories
from distalign.data.synthesize import SynthesizeParams, draw_base
from distalign.data.variety import response_report
from distalign.llm.endpoint import EndpointParams, open_endpoint
from distalign.machine.precision import PrecisionParams
from distalign.records.files import read_jsonl, read_spec, write_json, write_jsonl
from distalign.records.schemas import Prompt
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        spec="data set specification",
        prompts="JSONL file of prompts",
        setting="attribute or story",
        llm="folder of the base model that is served where llm.model is null",
        store="folder that keeps the LLM's answers",
        pool="JSONL file for the distinct responses of each category",
        out="JSONL file for D_base",
        report="JSON file for their variety and the share of each source",
    )
    params = block(SynthesizeParams, "synthesize", args.setting)
    spec, prompts = read_spec(args.spec).for_training(), read_jsonl(args.prompts, Prompt)
    write = write_stories if args.setting == "story" else write_responses
    rng = np.random.default_rng(params.seed)
    llm, precision = block(EndpointParams, "llm"), block(PrecisionParams, "precision")
    with open_endpoint(llm, args.llm, precision, args.store) as endpoint:
        pool = write(spec, args.setting, params, endpoint, rng)
    base = draw_base(spec, prompts, pool, params.responses, rng)
    write_jsonl(args.pool, pool)
    write_jsonl(args.out, base)
    write_json(args.report, response_report(base, pool, spec.attribute))


if __name__ == "__main__":
    run(main)
