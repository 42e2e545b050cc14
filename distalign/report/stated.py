"""Tables of a data set whose prompts state their targets."""

from collections.abc import Sequence

from distalign.report.cells import Cell, display
from distalign.report.tables import Entry, Table, number
from distalign.statistics.stated import calibration_curve, phrasing_errors


def stated_tables(cells: Sequence[Cell]) -> list[Table]:
    """Errors by phrasing, and the calibration curve; none where prompts state no target."""
    if "phrasing" not in cells[0].contexts:
        return []
    return [_phrasings(cells), _curves(cells)]


def _seen(known: bool) -> str:
    return "known" if known else "unseen"


def _phrasings(cells: Sequence[Cell]) -> Table:
    rows = []
    for cell in cells:
        for row in phrasing_errors(cell.contexts).itertuples():
            texts = [display(cell.method), str(cell.seed), _seen(row.known), row.phrasing]
            values = [str(row.n), number(row.internal), number(row.mae)]
            rows.append([Entry(text) for text in [*texts, *values]])
    columns = ["Method", "Seed", "Phrasings", "Kind", "Contexts", "Internal error", "MAE drawn"]
    return Table("Stated targets: errors by phrasing, of contexts never seen", columns, rows)


def _curves(cells: Sequence[Cell]) -> Table:
    rows = []
    for cell in cells:
        for row in calibration_curve(cell.contexts).itertuples():
            texts = [display(cell.method), str(cell.seed), _seen(row.known), str(row.n)]
            values = map(number, [row.target, row.probability, row.observed])
            rows.append([Entry(text) for text in [*texts, *values]])
    columns = ["Method", "Seed", "Phrasings", "Points", "Stated", "Probability", "Observed"]
    return Table("Stated targets: what is answered where a share is stated", columns, rows)
