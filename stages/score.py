"""Score one cell: how far its judged rounds are from the target, and how sure that is.

The questions of a joined data set are scored one by one, each under its name.
"""

from distalign.records.files import read_jsonl, read_spec, write_json
from distalign.records.joined import judged_of_part, questions
from distalign.records.schemas import Judgement
from stages.cli import block, parse, run


def main() -> None:
    args = parse(
        __doc__,
        spec="data set specification",
        judgements="JSONL file with the cell's judged rounds",
        out="JSON file to write",
    )
    # Slow to import: not before flags.
    from distalign.statistics.score import ScoreParams, cell_metrics

    params = block(ScoreParams, "score")
    spec, judgements = read_spec(args.spec), read_jsonl(args.judgements, Judgement)
    scores = {
        part.name: cell_metrics(judged_of_part(judgements, part, spec), part, params)
        for part in questions(spec)
    }
    write_json(args.out, scores if spec.parts else scores[spec.name])


if __name__ == "__main__":
    run(main)
