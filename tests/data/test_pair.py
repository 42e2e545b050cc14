from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from distalign.data.pair import interleave, pair, read_examples, reorder
from distalign.records.files import write_jsonl
from distalign.records.requests import Request
from distalign.records.schemas import (
    Attribute,
    Context,
    DatasetSpec,
    InputError,
    Preference,
    Prompt,
    Response,
    Setting,
)

CATEGORIES = ["Positive", "Negative", "Neutral"]
CONTEXTS = ["A", "B", "C", "D"]


def response(context: str, category: str, number: int, setting: Setting = "attribute") -> Response:
    return Response(
        setting=setting,
        context=context,
        prompt=f"{context}?",
        response=f"{setting} {context} {category} {number}",
        category=category,
        source="llm",
    )


POOL = [response(c, a, i) for c in CONTEXTS for a in CATEGORIES for i in range(3)]
BASE = [response(c, CATEGORIES[i % 3], 10 + i) for c in CONTEXTS for i in range(300)]


def pairs(seed: int) -> list[Preference]:
    return pair(BASE, POOL, CATEGORIES, np.random.default_rng(seed))


def test_negatives_are_uniform_over_the_others() -> None:
    rows = pairs(0)
    for category in CATEGORIES:
        found = Counter(row.rejected_category for row in rows if row.category == category)
        assert set(found) == set(CATEGORIES) - {category}
        assert stats.chisquare(list(found.values())).pvalue > 0.001
    seen = Counter(row.rejected_response.split()[-1] for row in rows)
    assert stats.chisquare(list(seen.values())).pvalue > 0.001


def test_rejected_texts_come_from_the_pool_of_the_context() -> None:
    texts = {(row.context, row.category, row.response) for row in POOL}
    for row in pairs(0):
        assert (row.context, row.rejected_category, row.rejected_response) in texts


def test_each_row_of_the_base_is_kept_once_and_in_order() -> None:
    rows = pairs(0)
    for context in CONTEXTS:
        kept = [(row.prompt, row.category, row.response) for row in rows if row.context == context]
        assert kept == [(b.prompt, b.category, b.response) for b in BASE if b.context == context]


def test_neighbours_differ_in_context() -> None:
    rows = pairs(0)
    assert all(a.context != b.context for a, b in zip(rows, rows[1:], strict=False))
    for start in range(0, len(rows), 4):
        assert {row.context for row in rows[start : start + 4]} == set(CONTEXTS)


def test_pool_without_a_category_is_named() -> None:
    pool = [row for row in POOL if (row.context, row.category) != ("B", "Neutral")]
    with pytest.raises(InputError, match="no response of 'Neutral' for 'B' in the pool"):
        pair(BASE, pool, CATEGORIES, np.random.default_rng(0))


def test_settings_take_turns_and_keep_to_themselves() -> None:
    stories = [response(c, a, i, "story") for c in CONTEXTS for a in CATEGORIES for i in range(3)]
    base = [response(c, CATEGORIES[i % 3], 10 + i, "story") for c in CONTEXTS for i in range(300)]
    told = pair(base, stories, CATEGORIES, np.random.default_rng(0))
    rows = interleave([*pairs(0), *told], np.random.default_rng(0))
    assert Counter(row.setting for row in rows) == {"attribute": 1200, "story": 1200}
    for start in range(0, len(rows), 8):
        cells = [(row.setting, row.context) for row in rows[start : start + 8]]
        assert len(set(cells)) == 8
    assert all(a.context != b.context for a, b in zip(rows, rows[1:], strict=False))
    for row in rows:
        assert row.response.startswith(row.setting)
        assert row.rejected_response.startswith(f"{row.setting} {row.context}")


def test_seed_decides() -> None:
    assert pairs(1) == pairs(1)
    assert pairs(1) != pairs(2)


def test_a_training_seed_has_its_own_order_of_the_same_rows() -> None:
    rows = pairs(0)
    first, again, other = (
        reorder(rows, CATEGORIES, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    key = Preference.model_dump_json
    assert sorted(map(key, first)) == sorted(map(key, other)) == sorted(map(key, rows))
    # Another tenth of the rows for another seed, its contexts and categories as balanced.
    seen = [{row.response for row in order[:120]} for order in (first, other)]
    assert len(seen[0] & seen[1]) < 60
    for order in (first, other):
        for start in range(0, len(order), 4):
            assert {row.context for row in order[start : start + 4]} == set(CONTEXTS)
        counts = Counter((row.context, row.category) for row in order[:120])
        assert set(counts.values()) <= {9, 10, 11}


def test_settings_of_a_mixture_keep_their_turns_in_another_order() -> None:
    rows = [
        row.model_copy(update={"setting": setting})
        for row in pairs(0)
        for setting in ("attribute", "story")
    ]
    order = reorder(rows, CATEGORIES, np.random.default_rng(0))
    for start in range(0, len(order), 8):
        assert len({(row.setting, row.context) for row in order[start : start + 8]}) == 8


@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=6),
    drawn=st.lists(st.integers(0, 2), min_size=30, max_size=30),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_base_is_paired_row_by_row(sizes: list[int], drawn: list[int], seed: int) -> None:
    """Contexts of any number of rows, of any categories."""
    numbers = iter(range(sum(sizes)))
    base = [
        response(f"c{place}", CATEGORIES[drawn[number]], number)
        for place, size in enumerate(sizes)
        for number in (next(numbers) for _ in range(size))
    ]
    pool = [response(f"c{i}", a, 100 + k) for i in range(6) for a in CATEGORIES for k in range(2)]
    rows = pair(base, pool, CATEGORIES, np.random.default_rng(seed))
    assert Counter(row.response for row in rows) == Counter(row.response for row in base)
    for row in rows:
        assert row.rejected_category != row.category
        assert row.rejected_response.startswith(f"attribute {row.context} {row.rejected_category} ")
    # As long as every context has a row left, each has one in turn.
    turns = min(sizes)
    for start in range(0, turns * len(sizes), len(sizes)):
        assert len({row.context for row in rows[start : start + len(sizes)]}) == len(sizes)


def test_a_training_reads_its_rows_in_its_order_and_requests_of_both_files(
    sentiment: Attribute, tmp_path: Path
) -> None:
    contexts = [Context(name=name, target=[0.5, 0.25, 0.25]) for name in CONTEXTS]
    spec = DatasetSpec(name="s", target="real", attribute=sentiment, contexts=contexts)
    asked = Prompt(
        setting="attribute", context="A", split="validation", prompt="A?", source="grammar"
    )
    ordinary, near = (
        Request(
            kind=kind,
            split="train",
            prompt=f"{kind}?",
            source="written",
            asks=[],
            answer="Yes.",
            ended=True,
        )
        for kind in ("ordinary", "near_miss")
    )
    files = [tmp_path / f"{number}.jsonl" for number in range(4)]
    for file, rows in zip(files, (pairs(0), [asked], [ordinary], [near]), strict=True):
        write_jsonl(file, rows)
    read = read_examples(files[0], files[1], files[2:], spec, np.random.default_rng(1))
    ordered = reorder(pairs(0), spec.categories, np.random.default_rng(1))
    assert read == (spec, ordered, [asked], [ordinary, near])
