"""Bring all cells together: tables, figures and one page, in the order of scale.yaml's lists."""

from itertools import product

from distalign.records.files import write_text
from distalign.records.schemas import DecodingParams
from stages.cli import SCALE, block, parse, run

PAGES = ["results.html", "results.md", "contexts.csv"]
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
        plots="folder to write the tables for `dvc plots` into",
    )
    # Slow to import: not before flags are read.
    from distalign.machine.provenance import summary as made_with
    from distalign.report import cell_files as files
    from distalign.report.cells import Matrix
    from distalign.report.comparisons import ReportParams, rounds_table
    from distalign.report.page import Section, html_page, markdown_page, plain_text
    from distalign.report.paper_tables import printed_for
    from distalign.report.sections import cells_section, summary_tables

    matrix, params = block(Matrix, file=SCALE), block(ReportParams, "report")
    paper = files.read_paper(args.paper)
    folders = files.Folders(args.metrics, args.judgements, args.targets, args.out)
    cells, sections, tables = [], [], []
    for place in product(matrix.models, matrix.trainings, matrix.settings):
        results, printed = files.read_results(folders, matrix, place), printed_for(place[2], paper)
        summary = summary_tables(results, matrix, printed, coordinated_variants())
        sections.append(cells_section(results, matrix, summary, printed, params, args.out))
        tables += summary
        cells += results.cells
    targets = {cell.dataset: cell.contexts for cell in cells}
    sections.append(Section("Rounds needed", [rounds_table(targets)], []))
    contexts = files.all_contexts(cells)
    files.write_csv(args.out / "contexts.csv", contexts)
    observed = contexts.dropna(subset="observed")[[*files.PLACE, *SHARES]]
    files.write_csv(args.plots / "calibration.csv", observed)
    files.write_csv(args.plots / "training.csv", files.training_logs(matrix, args.logs))
    made = made_with(cell.provenance for cell in cells)
    write_text(args.out / "results.md", markdown_page(sections, made))
    write_text(args.out / "results.html", html_page(sections, made))
    names = [*PAGES, *(figure.link for section in sections for figure in section.figures)]
    text = [plain_text(table) for table in tables] + [made]
    text.append("\n".join(str(args.out / name) for name in names))
    write_text(args.out / "results.txt", "\n\n".join(text) + "\n")
    print("\n\n".join(text))


if __name__ == "__main__":
    run(main)
