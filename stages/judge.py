"""Read the category that each response expresses; none or several is invalid, and counted."""

from distalign.judging.stories import JudgeParams, judge_stories
from distalign.judging.words import judge_rounds
from distalign.machine.precision import PrecisionParams
from distalign.records.files import read_jsonl, read_spec, write_jsonl
from distalign.records.joined import of_part, of_whole, questions
from distalign.records.schemas import Judgement, Round
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        setting="attribute (words are read) or story (judge.story reads)",
        spec="data set specification",
        rounds="JSONL file of rounds",
        llm="folder of the base model that is served where judge.llm.model is null",
        store="folder that keeps the LLM's answers",
        out="JSONL file of judged rounds",
    )
    params, precision = block(JudgeParams, "judge"), block(PrecisionParams, "precision")
    spec, rounds, judged = read_spec(args.spec), read_jsonl(args.rounds, Round), list[Judgement]()
    for part in questions(spec):
        own, attribute = of_part(rounds, part, spec), part.attribute
        if args.setting == "story":
            read = judge_stories(own, attribute, params, args.llm, precision, args.store)
        else:
            read = judge_rounds(own, part)
        judged += of_whole(read, part, spec)
    write_jsonl(args.out, judged)


if __name__ == "__main__":
    run(main)
