"""Score answers that exist already, of any model or survey: neither a model nor torch is loaded.

    distalign-score answers.csv targets.csv --out scored
    distalign-score answers.jsonl targets.csv --out scored --normalise

The answers have the columns context and category, a row an answer; an empty category is one that
could not be read, and a column refused says `yes` where an answer says that it does not tell. The
targets have the column context and one a category, with shares that add up to 1. A file that ends
in .jsonl has an object a line instead. The folder gets metrics.json, contexts.csv and contexts.svg.
"""

from distalign.records.files import write_json
from distalign.records.rows import read_rows
from distalign.records.schemas import InputError
from distalign.statistics.answers import draw_shares, read_answers, read_targets, summary
from distalign.statistics.score import ScoreParams, cell_metrics, context_table
from stages.cli import run
from tools.answers import answers_parser, check_normalised, check_out


def main() -> None:
    parser = answers_parser(__doc__, "folder to write")
    parser.add_argument("--ordered", action="store_true", help="categories are steps of a scale")
    parser.add_argument(
        "--normalise", action="store_true", help="divide each context's shares by their sum"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resamples", type=int, default=1000)
    args = parser.parse_args()
    if args.resamples < 1:
        raise InputError(f"--resamples {args.resamples}: take 1 or more")
    if args.seed < 0:
        raise InputError(f"--seed {args.seed}: take 0 or more")
    written = [args.out / name for name in ("metrics.json", "contexts.csv", "contexts.svg")]
    check_out(args.out, [args.answers, args.targets], written)
    spec = read_targets(args.targets, args.ordered, args.normalise)
    if args.normalise:
        check_normalised(args.targets)
    header, _ = read_rows(args.answers)
    if "answer" in header and "category" not in header:
        raise InputError(f"{args.answers}:1: answers in free text; `distalign-read` reads them")
    answers = read_answers(args.answers, spec)
    params = ScoreParams(seed=args.seed, resamples=args.resamples)
    metrics, table = cell_metrics(answers, spec, params), context_table(answers, spec)
    write_json(args.out / "metrics.json", metrics)
    table.to_csv(args.out / "contexts.csv", index=False)
    draw_shares(table, args.out / "contexts.svg")
    print(table.to_string(index=False, float_format="%.3f"))
    print(summary(metrics))


def command() -> None:
    """As a console command."""
    run(main)


if __name__ == "__main__":
    command()
