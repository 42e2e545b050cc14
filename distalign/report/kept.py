"""What a policy keeps of its base model: columns of the first table, a sentence, a table."""

from collections.abc import Sequence

from distalign.records.requests import Retention
from distalign.report.cells import Cell, by_place, display, mean_over_seeds
from distalign.report.tables import Entry, Table, number, percent

KEPT = ["Perplexity (base)", "KL, nats/token", "Unrelated steered", "Near misses steered"]


def mean_kept(seeds: Sequence[Retention | None]) -> dict[str, float | None]:
    """Each number's mean over the seeds that were measured; empty where none was."""
    return mean_over_seeds([kept.model_dump() for kept in seeds if kept is not None])


def kept_texts(seeds: Sequence[Retention | None]) -> list[str]:
    """The columns KEPT; dashes where nothing was measured, or there are no steering tokens."""
    mean = mean_kept(seeds)
    if not mean:
        return ["–"] * len(KEPT)
    return [
        f"{mean['perplexity']:.1f} ({mean['perplexity_base']:.1f})",
        number(mean["kl_ordinary"]),
        _share_of(mean, "unrelated"),
        _share_of(mean, "near_miss"),
    ]


def _share_of(mean: dict[str, float | None], kind: str) -> str:
    share = mean[f"{kind}_over_half"]
    return "–" if share is None else f"{percent(share)} of {mean[f'n_{kind}']:.0f}"


def kept_sentences(seeds: Sequence[Retention | None]) -> list[str]:
    """What the policy keeps of its base model; nothing where that was not measured."""
    if not mean_kept(seeds):
        return []
    perplexity, kl, unrelated, near = kept_texts(seeds)
    steered = (
        ""
        if unrelated == "–"
        else f"; steered without being asked: {unrelated} unrelated requests, {near} near misses"
    )
    return [
        f"Kept of the base model: perplexity of ordinary text {perplexity}, KL {kl} nats a token"
        f"{steered}."
    ]


def kept_table(cells: Sequence[Cell]) -> Table | None:
    """All that was measured of what policies keep, means over seeds; None without any."""
    rows = []
    for (_, method), seeds in by_place(cells).items():
        mean = mean_kept([cell.retention for cell in seeds])
        if mean:
            perplexity, kl, unrelated, near = kept_texts([cell.retention for cell in seeds])
            texts = [display(method), perplexity, kl, number(mean["kl_near_miss"])]
            texts += [number(mean["unrelated_mass"]), unrelated, near]
            rows.append([*map(Entry, texts)])
    columns = ["Method", KEPT[0], "KL, ordinary requests", "KL, near misses"]
    columns += ["Steering mass, unrelated", *KEPT[2:]]
    return Table("What is kept of the base model", columns, rows) if rows else None
