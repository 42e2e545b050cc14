"""Write distinct responses of every category, with an LLM."""

import numpy as np

from distalign.data.frames import write_responses
from distalign.data.stories import write_stories
from distalign.data.synthesize import SynthesizeParams
from distalign.llm.endpoint import EndpointParams, open_endpoint
from distalign.machine.precision import PrecisionParams
from distalign.records.files import read_spec, write_jsonl
from distalign.records.joined import of_whole, questions
from distalign.records.schemas import Response
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        spec="data set specification",
        setting="attribute or story",
        llm="folder of the base model that is served where llm.model is null",
        store="folder that keeps the LLM's answers",
        out="JSONL file for the distinct responses of each category",
    )
    params = block(SynthesizeParams, "synthesize", args.setting)
    spec, pool = read_spec(args.spec).for_training(), list[Response]()
    write = write_stories if args.setting == "story" else write_responses
    llm, precision = block(EndpointParams, "llm"), block(PrecisionParams, "precision")
    with open_endpoint(llm, args.llm, precision, args.store) as endpoint:
        for part in questions(spec):
            rng = np.random.default_rng(params.seed)
            pool += of_whole(write(part, args.setting, params, endpoint, rng), part, spec)
    write_jsonl(args.out, pool)


if __name__ == "__main__":
    run(main)
