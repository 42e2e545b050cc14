"""What the numbers of a data set say in words, with the tests that say so."""

from collections.abc import Mapping, Sequence

import numpy as np

from distalign.report.cells import UNTRAINED, Cell, Matrix, by_place, display, mean_over_seeds
from distalign.report.comparisons import Comparison, p_text
from distalign.report.kept import kept_sentences
from distalign.report.measures import level, true_deviation
from distalign.report.tables import is_below_floor, is_credible, number, percent
from distalign.statistics.score import Metrics

AT_FLOOR, NEAR_FLOOR = 1.1, 1.5
"""In floors, of the MAE without luck where there is one."""
SIGNIFICANCE = 0.05


def question(cells: Sequence[Cell], matrix: Matrix) -> str:
    """What was asked of one model, training and setting."""
    first = cells[0]
    rounds = {cell.metrics["n_rounds"] for cell in cells if cell.applies} or {0}
    sizes = f"{min(rounds):,}" if len(rounds) == 1 else f"{min(rounds):,} to {max(rounds):,}"
    size = ", ".join(
        _count(len(named), noun)
        for named, noun in (
            (matrix.datasets, "data set"),
            (matrix.methods, "method"),
            (matrix.seeds if first.training != UNTRAINED else [], "training seed"),
        )
        if named
    )
    trained = f"{first.training} data" if first.training != "both" else "both settings' data"
    state = "" if first.training == UNTRAINED else f"trained on {trained} and "
    return (
        f"Does {display(first.model)}, {state}asked in the setting {first.setting}, answer in the "
        "target's proportions, as closely as a perfect sampler does in as many rounds? "
        f"{size}, {sizes} rounds a cell."
    )


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def verdicts(
    cells: Sequence[Cell], matrix: Matrix, tests: Sequence[Comparison]
) -> dict[str, list[str]]:
    """Data set -> sentences on `ours`, or on the closest method where `ours` was not run.

    Args:
        cells: of one model, training and setting.
        tests: `report.comparisons.compare` of these cells.
    """
    groups = by_place(cell for cell in cells if cell.applies)
    found = {}
    for dataset in matrix.datasets:
        means = {
            method: mean_over_seeds([cell.metrics for cell in seeds])
            for (name, method), seeds in groups.items()
            if name == dataset
        }
        subject = _subject(means)
        if subject is None:
            found[dataset] = ["No method gave valid answers."]
            continue
        ours = [test for test in tests if test.dataset == dataset]
        kept = [cell.retention for cell in groups[dataset, subject]]
        found[dataset] = [
            closeness(display(subject), [cell.metrics for cell in groups[dataset, subject]]),
            *(rivals(ours, means) if subject == "ours" and is_credible(means["ours"]) else []),
            *kept_sentences(kept),
        ]
    return found


def _subject(means: Mapping[str, Metrics]) -> str | None:
    """`ours`, else the closest of the credible methods, else the most valid; None without any."""
    if means.get("ours", {}).get("mae") is not None:
        return "ours"
    levels = {m: level(mean) for m, mean in means.items() if is_credible(mean)}
    known = {method: value for method, value in levels.items() if value is not None}
    valid = {method: mean["validity"] for method, mean in means.items() if mean["n_valid"]}
    return min(known, key=known.__getitem__, default=max(valid, key=valid.get, default=None))


def closeness(name: str, seeds: Sequence[Metrics]) -> str:
    """How far a method is from the target, in floors and as the true deviation."""
    metrics = mean_over_seeds(seeds)
    if not is_credible(metrics):
        sound = [f"valid {percent(metrics['validity'])}"]
        if metrics.get("fidelity") is not None:
            sound.append(f"fidelity {percent(metrics['fidelity'])}")
        return f"{name} does not answer soundly ({', '.join(sound)}): its MAE proves nothing."
    floors, drawn = level(metrics), f"drawn MAE {number(metrics['mae'])}"
    below = ", below the floor by luck or unequal prompts" if is_below_floor(metrics) else ""
    where, aside, floor = drawn, below, metrics["floor"]
    if metrics.get("expected_mae") is not None:
        where, aside = f"expected MAE {number(metrics['expected_mae'])}", f"; {drawn}{below}"
        floor = metrics["expected_floor"]
    if floors is None:
        return f"{name} has no floor to be compared with: {where}{aside}."
    words = {"at": AT_FLOOR, "near": NEAR_FLOOR}
    word = next((word for word, most in words.items() if floors <= most), "above")
    deviation, bounds = true_deviation(seeds)
    return (
        f"{name} is {word} the floor: {where}, {floors:.2f} times the floor of "
        f"{number(floor)}{aside}; true deviation {number(deviation)} {bounds}".rstrip()
        + "."
    )


def rivals(tests: Sequence[Comparison], means: Mapping[str, Metrics]) -> list[str]:
    """Whom `ours` is closer than, is not told apart from, or is farther than."""
    sound = [t for t in tests if is_credible(means[t.method]) and not np.isnan(t.adjusted)]
    closer = [t for t in sound if t.adjusted < SIGNIFICANCE and t.difference < 0]
    farther = [t for t in sound if t.adjusted < SIGNIFICANCE and t.difference > 0]
    equal = [t for t in sound if t.adjusted >= SIGNIFICANCE]
    lucky = ", with their luck," if is_below_floor(means["ours"]) else ""
    lines = []
    for said, group in (
        (f"By the drawn rounds{lucky} it is closer than", closer),
        (f"By the drawn rounds{lucky} it is farther from the target than", farther),
        ("The rounds do not tell it from", equal),
    ):
        if group:
            shown = [
                f"{display(t.method)} (by {abs(t.difference):.3f}, p {_equals(t.adjusted)})"
                for t in sorted(group, key=lambda t: abs(t.difference))
            ]
            lines.append(f"{said} {', '.join(shown)}.")
    unsound = [display(t.method) for t in tests if not is_credible(means[t.method])]
    if unsound:
        lines.append(
            f"Not compared, as they do not answer soundly in 90 % of the rounds: "
            f"{', '.join(unsound)}."
        )
    return lines


def _equals(p: float) -> str:
    text = p_text(p)
    return text if text.startswith("<") else f"= {text}"
