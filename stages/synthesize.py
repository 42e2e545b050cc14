"""Write responses of every category with an LLM and draw D_base from them (equation 6)."""

import numpy as np

from distalign.data.responses import accept_answer, accept_story
from distalign.data.synthesize import Accept, SynthesizeParams, draw_base, write_pool
from distalign.judging.lexical import read_story
from distalign.llm.endpoint import EndpointParams, open_endpoint
from distalign.machine.precision import PrecisionParams
from distalign.records.files import read_jsonl, read_spec, write_json, write_jsonl
from distalign.records.schemas import DatasetSpec, Prompt
from stages.cli import block, parse, run


def choose_accept(spec: DatasetSpec, setting: str) -> Accept:
    """The setting's check of an LLM's answer."""
    attribute = spec.attribute
    if setting == "story":
        return lambda answer, category, context: accept_story(
            answer, category, lambda text: read_story(text, attribute)
        )
    writing = attribute.question(setting).responses
    return lambda answer, category, context: accept_answer(
        answer, category, context, writing, attribute
    )


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
        report="JSON file for the share of each source",
    )
    params = block(SynthesizeParams, "synthesize", args.setting)
    spec, prompts = read_spec(args.spec), read_jsonl(args.prompts, Prompt)
    accept = choose_accept(spec, args.setting)
    rng = np.random.default_rng(params.seed)
    llm, precision = block(EndpointParams, "llm"), block(PrecisionParams, "precision")
    with open_endpoint(llm, args.llm, precision, args.store) as endpoint:
        pool = write_pool(spec, args.setting, params, accept, endpoint, rng)
    base = draw_base(spec, prompts, pool, params.responses, rng)
    by_llm = sum(row.source == "llm" for row in pool)
    write_jsonl(args.pool, pool)
    write_jsonl(args.out, base)
    write_json(args.report, {"n_responses": len(pool), "llm_share": by_llm / len(pool)})


if __name__ == "__main__":
    run(main)
