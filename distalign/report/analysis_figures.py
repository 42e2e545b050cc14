"""What the report's figures show besides the main cells: tables 4 to 7 and 12 as pictures."""

from collections.abc import Mapping, Sequence

from distalign.report.analyses import capability_means, surface_groups
from distalign.report.cells import Cell, Measured, display, mean_over_seeds
from distalign.report.figures import Bar, Bars, mae_bar


def transfer_bars(transferred: Mapping[tuple[str, str, str], Measured]) -> Bars:
    """Table 7: MAE in contexts that training has not seen, a panel a pair, a row a method.

    Args:
        transferred: (method, trained, tested) -> metrics.
    """
    panels: dict[str, dict[str, Bar]] = {}
    for (method, trained, tested), group in transferred.items():
        panel = panels.setdefault(f"{display(trained)} → {display(tested)}", {})
        panel[display(method)] = mae_bar(mean_over_seeds(group.seeds))
    return panels


def surface_bars(cells: Sequence[Cell], surface: Mapping[tuple[str, str], Measured]) -> Bars:
    """Table 6: MAE of `ours` by the form of its steering tokens, a panel a data set.

    Args:
        cells: of one model, training and setting.
        surface: (dataset, form) -> what the stage `surface_forms` measured.
    """
    panels: dict[str, dict[str, Bar]] = {display(dataset): {} for dataset, _ in surface}
    for (dataset, form), group in surface_groups(cells, surface).items():
        if display(dataset) in panels:
            panels[display(dataset)][display(form)] = mae_bar(mean_over_seeds(group.seeds))
    return panels


def first_token_bars(internal: Mapping[tuple[str, str], Measured]) -> Bars:
    """Tables 4 and 12: internal MAE ± standard deviation over contexts, a panel a data set.

    Args:
        internal: (dataset, method) -> what the stage `internal_alignment` measured.
    """
    panels: dict[str, dict[str, Bar]] = {}
    for (dataset, method), group in internal.items():
        mean = mean_over_seeds(group.seeds)
        bar = _spread_bar(mean.get("mae"), mean.get("mae_sd"))
        panels.setdefault(display(dataset), {})[display(method)] = bar
    return panels


def capability_bars(capabilities: Mapping[tuple[str, str], Measured]) -> Bars:
    """Table 5: each task's metric ± its standard error, a panel a metric, a row a policy.

    Args:
        capabilities: (dataset, method) -> tasks with metrics.
    """
    several = len({dataset for dataset, _ in capabilities}) > 1
    return {
        f"{task}: {key}": {
            display(method) + (f", {display(dataset)}" if several else ""): _spread_bar(*mean)
            for (dataset, method), mean in means.items()
        }
        for (task, key), means in capability_means(capabilities).items()
    }


def _spread_bar(value: float | None, spread: float | None) -> Bar:
    if value is None:
        return Bar(None, None, None, remark="does not apply")
    return Bar(value, value - (spread or 0.0), value + (spread or 0.0))
