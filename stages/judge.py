"""Read the category that each response expresses; none or several is invalid, and counted."""

from distalign.judge import judge_round
from distalign.records import Round, read_jsonl, read_spec, write_jsonl
from stages.cli import parse, run


def main() -> None:
    args = parse(
        __doc__,
        spec="data set specification",
        rounds="JSONL file of rounds",
        out="JSONL file of judged rounds",
    )
    attribute = read_spec(args.spec).attribute
    rounds = read_jsonl(args.rounds, Round)
    write_jsonl(args.out, [judge_round(row, attribute) for row in rounds])


if __name__ == "__main__":
    run(main)
