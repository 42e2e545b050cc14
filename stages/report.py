"""Bring all cells together: tables, figures and one page, in the order of scale.yaml's lists."""

from itertools import product

from distalign.records.schemas import DecodingParams
from stages.cli import SCALE, block, parse, run

SHARES = ["context", "category", "target", "observed"]


def coordinated_variants() -> set[str]:
    """Variants of the block `decoding` that draw a context's rounds together."""
    variants = block(DecodingParams, "decoding").variants
    return {name for name, keys in variants.items() if keys.get("rounds") == "coordinated"}


def main() -> None:
    args = parse(
        __doc__,
        metrics="folder with model/training/setting/dataset/method/seed.json",
        judgements="folder with model/training/setting/dataset/method/seed.jsonl",
        targets="folder with the data sets' specifications",
        logs="folder with model/training/dataset/method/seed.csv",
        paper="CSV file with the numbers that the paper prints",
        out="folder to write the report into",
        rounds="folder to write the pages of single rounds into",
        plots="folder to write the tables for `dvc plots` into",
    )
    # Slow to import: not before flags are read.
    from distalign.report import cell_files as files
    from distalign.report.cells import Matrix
    from distalign.report.comparisons import ReportParams
    from distalign.report.written import write_report

    matrix, params = block(Matrix, file=SCALE), block(ReportParams, "report")
    folders = files.Folders(args.metrics, args.judgements, args.targets, args.out, args.rounds)
    asked = product(matrix.models, matrix.trainings, matrix.settings)
    places = [files.read_results(folders, matrix, place) for place in asked]
    paper = files.read_paper(args.paper)
    shown = files.expanded(matrix, folders)
    text, contexts = write_report(places, shown, params, paper, coordinated_variants(), folders)
    observed = contexts.dropna(subset="observed")[[*files.PLACE, *SHARES]]
    files.write_csv(args.plots / "calibration.csv", observed)
    files.write_csv(args.plots / "training.csv", files.training_logs(matrix, args.logs))
    print(text)


if __name__ == "__main__":
    run(main)
