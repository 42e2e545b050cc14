"""Score one cell: how far its judged rounds are from the target, and how sure that is."""

from distalign.records.files import read_jsonl, read_spec, write_json
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
    judgements = read_jsonl(args.judgements, Judgement)
    write_json(args.out, cell_metrics(judgements, read_spec(args.spec), params))


if __name__ == "__main__":
    run(main)
