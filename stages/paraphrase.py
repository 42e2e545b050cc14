"""Rewrite the question into distinct prompts for train, validation and test with an LLM."""

from distalign.data.paraphrase import ParaphraseParams, paraphrase
from distalign.llm.endpoint import EndpointParams, open_endpoint
from distalign.machine.precision import PrecisionParams
from distalign.records.files import read_spec, write_json, write_jsonl
from distalign.records.joined import of_whole, questions
from distalign.records.schemas import Prompt
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        spec="data set specification",
        setting="attribute or story",
        llm="folder of the base model that is served where llm.model is null",
        store="folder that keeps the LLM's answers",
        out="JSONL file of prompts to write",
        report="JSON file for the share of each source",
    )
    params = block(ParaphraseParams, "paraphrase", args.setting)
    llm, precision = block(EndpointParams, "llm"), block(PrecisionParams, "precision")
    spec, prompts = read_spec(args.spec), list[Prompt]()
    with open_endpoint(llm, args.llm, precision, args.store) as endpoint:
        for part in questions(spec):
            prompts += of_whole(paraphrase(part, args.setting, params, endpoint), part, spec)
    by_llm = sum(prompt.source == "llm" for prompt in prompts)
    write_jsonl(args.out, prompts)
    write_json(args.report, {"n_prompts": len(prompts), "llm_share": by_llm / len(prompts)})


if __name__ == "__main__":
    run(main)
