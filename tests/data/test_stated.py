import re

import numpy as np
import pytest

from distalign.data.requests import Asked, state_half
from distalign.data.stated import (
    contexts_to_test,
    draw_shares,
    read_phrasings,
    state,
    state_rows,
    stated_prompt,
)
from distalign.data.targets import DatasetParams, JoinedParams, StatedParams, dataset_spec
from distalign.records.files import read_attribute
from distalign.records.joined import of_whole, questions
from distalign.records.schemas import SPLITS, DatasetSpec, InputError, Preference, Prompt
from distalign.records.stated import Item, Named, PhrasingFile, Phrasings, Statement, Stating
from tests.support.paths import ROOT

GENDER = read_attribute(ROOT / "data/attributes/gender.yaml")
RACE = read_attribute(ROOT / "data/attributes/race.yaml")
FILE = read_phrasings(ROOT / "data/stated/phrasings.yaml")
PARAMS = StatedParams(
    seed=0,
    phrasings="data/stated/phrasings.yaml",
    tested="data/stated/tested.csv",
    targets_per_context=4,
    alpha=1.0,
    unstated=0.25,
)
DATASET = DatasetParams(
    attribute="gender", contexts="data/stated/taught.csv", target="stated", stated=PARAMS
)

BOTH = JoinedParams(
    joined={"gender": DATASET, "race": DATASET.model_copy(update={"attribute": "race"})}
)


def only(**fields: object) -> PhrasingFile:
    """Phrasings of a single item or name in a single frame, in every split."""
    item = fields.get("item", Item(kind="percent", text="{percent} % {word}", of=[100]))
    named = [fields["named"]] if "named" in fields else []
    part = Phrasings(items=[item], named=named, frames=["{question} ({shares})"])
    return PhrasingFile(train=part, validation=part, test=part)


def spec() -> DatasetSpec:
    return dataset_spec("gender_stated", {"gender": GENDER}, DATASET, ROOT)


@pytest.mark.parametrize(
    ("item", "shares", "target", "texts"),
    [
        (
            Item(kind="percent", text="{percent} % {word}", of=[100]),
            [0.204, 0.796],
            [0.2, 0.8],
            {"20 % male and 80 % female", "80 % female and 20 % male"},
        ),
        (
            Item(kind="ratio", text="{count} {word}", join=" to ", last=" to ", of=[4]),
            [0.7, 0.3],
            [0.75, 0.25],
            {"3 male to 1 female", "1 female to 3 male"},
        ),
        (
            Item(kind="words", text="{count_word} in {of_word} {word}", of=[5]),
            [0.2, 0.8],
            [0.2, 0.8],
            {
                "one in five male and four in five female",
                "four in five female and one in five male",
            },
        ),
        (
            Item(kind="decimal", text="{word} {decimal}", of=[20]),
            [0.96, 0.04],
            [0.95, 0.05],
            {"male 0.95 and female 0.05", "female 0.05 and male 0.95"},
        ),
    ],
)
def test_what_is_said_is_the_target(
    item: Item, shares: list[float], target: list[float], texts: set[str]
) -> None:
    rng = np.random.default_rng(0)
    found = [state(shares, GENDER, only(item=item), "train", rng) for _ in range(40)]
    assert {said.shares for _, said in found} == texts  # in both orders
    assert all(own == pytest.approx(target) for own, _ in found)


def test_a_short_statement_leaves_the_rest_to_the_last_category() -> None:
    item = Item(kind="percent", text="{percent}% {word}", of=[100], short=True)
    rng = np.random.default_rng(0)
    found = {state([0.3, 0.7], GENDER, only(item=item), "test", rng)[1].shares for _ in range(60)}
    assert found == {"30% male", "70% female", "30% male and 70% female", "70% female and 30% male"}


def test_a_word_has_the_share_of_the_category_that_it_is_said_of() -> None:
    rng = np.random.default_rng(0)
    phrasings = only(named=Named(text="mostly {word}", share=0.8))
    found = [state([0.9, 0.1], GENDER, phrasings, "train", rng) for _ in range(60)]
    targets = {said.shares: target for target, said in found if said.kind == "named"}
    assert targets["mostly male"] == pytest.approx([0.8, 0.2])
    assert targets["mostly female"] == pytest.approx([0.2, 0.8])


def test_categories_of_any_number_add_up() -> None:
    rng = np.random.default_rng(0)
    for split in SPLITS:
        for _ in range(300):
            shares = draw_shares(1.0, len(RACE.categories), rng)
            target, said = state(shares, RACE, FILE, split, rng)
            assert said.kind != "named"
            assert sum(target) == pytest.approx(1)
            assert "{" not in stated_prompt("What is it?", said)


def test_numbers_in_whole_percent_can_be_read_back() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        target, said = state(draw_shares(1.0, 2, rng), GENDER, only(), "train", rng)
        read = dict(re.findall(r"(\d+) % (\w+)", said.shares)[i][::-1] for i in range(2))
        assert [int(read["male"]), int(read["female"])] == pytest.approx(np.multiply(target, 100))


def test_splits_share_no_template() -> None:
    parts = [getattr(FILE, split) for split in SPLITS]
    for texts in (
        [{item.text for item in part.items} for part in parts],
        [{one.text for one in part.named} for part in parts],
        [set(part.frames) for part in parts],
    ):
        assert not texts[0] & texts[1]
        assert not (texts[0] | texts[1]) & texts[2]


def test_a_statement_that_begins_the_prompt_has_a_capital() -> None:
    said = Statement(
        kind="named", split="train", shares="mostly male", frame="{shares}. {question}"
    )
    assert stated_prompt("What {shares} is it?", said) == "Mostly male. What {shares} is it?"


def test_a_rows_category_follows_its_own_stated_shares() -> None:
    """P(category k | stated share near s) = s, though categories are even over all rows."""
    stating = Stating(alpha=1.0, unstated=0.25, phrasings=only())
    own = spec().model_copy(update={"stating": stating})
    rows = [
        Preference(
            setting="attribute",
            context="Carpenters",
            prompt="What is it?",
            category=own.categories[i % 2],
            response="a",
            rejected_category=own.categories[1 - i % 2],
            rejected_response="b",
        )
        for i in range(6000)
    ]
    found = state_rows(rows, own, own.stating, "train", np.random.default_rng(0))
    stated = [row for row in found if row.target is not None]
    assert len(stated) / len(rows) == pytest.approx(0.75, abs=0.03)
    assert all(row.prompt == "What is it?" for row in found if row.target is None)
    first = np.array([row.target[0] for row in stated])
    hits = np.array([row.category == own.categories[0] for row in stated])
    for low in (0.0, 0.25, 0.5, 0.75):
        within = (first >= low) & (first < low + 0.25)
        assert within.mean() == pytest.approx(0.25, abs=0.03)  # even over the simplex
        assert hits[within].mean() == pytest.approx(first[within].mean(), abs=0.05)


def test_contexts_to_test_are_unseen_and_take_turns() -> None:
    found = spec()
    taught = {context.name for context in found.taught}
    assert not taught & {context.about for context in found.contexts}
    assert len({context.name for context in found.contexts}) == len(found.contexts) == 40
    assert [c.statement.split for c in found.contexts[:4]] == ["train", "test", "train", "test"]
    assert all(context.target == [0.5, 0.5] for context in found.taught)
    assert found.for_training().contexts == found.taught
    assert spec() == found  # by its seed


def test_every_other_near_miss_states_a_target() -> None:
    """And in the phrasings of its own split: a statement is no sign of the question."""
    stating = spec().stating
    asked = [
        Asked("near_miss", split, f"What does a baker earn in {number}?", "written")
        for number, split in enumerate(["train", "train", "test", "validation"])
    ]
    found = state_half(asked, [spec()], np.random.default_rng(0))
    assert [row._replace(prompt="") for row in found] == [row._replace(prompt="") for row in asked]
    assert [found[1], found[3]] == [asked[1], asked[3]]
    for row, before in ((found[0], asked[0]), (found[2], asked[2])):
        assert before.prompt in row.prompt
        frames = getattr(stating.phrasings, row.split).frames
        around = [frame.split("{shares}") for frame in frames]
        assert any(
            all(part.replace("{question}", before.prompt) in row.prompt for part in frame)
            for frame in around
        )
    assert state_half(asked, [spec()], np.random.default_rng(0)) == found


def test_near_misses_of_several_questions_state_each_in_turn() -> None:
    asked = [Asked("near_miss", "train", f"What is {i}?", "written") for i in range(8)]
    whole = dataset_spec("both", {"gender": GENDER, "race": RACE}, BOTH, ROOT)
    found = state_half(asked, questions(whole), np.random.default_rng(0))
    words = [[c.words[0] for c in attribute.categories] for attribute in (GENDER, RACE)]
    said = [[any(w in row.prompt for w in own) for own in words] for row in found[::2]]
    assert said == [[True, False], [False, True]] * 2


def test_questions_with_stated_targets_are_joined() -> None:
    whole = dataset_spec("both", {"gender": GENDER, "race": RACE}, BOTH, ROOT)
    assert whole.target == "stated"
    taught = whole.for_training()
    assert len(taught.contexts) == sum(len(part.contexts) for part in taught.parts)
    assert {c.about for c in taught.contexts}.isdisjoint(c.about for c in whole.contexts)
    assert taught.contexts[-1].target == pytest.approx([0, 0, *[0.2] * 5])
    assert all(context.about in context.name for context in whole.contexts)
    assert taught.for_training() == taught


def test_a_row_of_the_whole_states_its_target_over_all_categories() -> None:
    whole = dataset_spec("both", {"gender": GENDER, "race": RACE}, BOTH, ROOT)
    race = questions(whole)[1]
    shares = [0.1, 0.2, 0.3, 0.4, 0.0]
    row = Prompt(
        setting="attribute", context="x", split="train", prompt="?", source="grammar", target=shares
    )
    bare = row.model_copy(update={"target": None})
    found = of_whole([row, bare], race, whole)
    assert [one.target for one in found] == [[0, 0, *shares], None]
    assert [one.context for one in found] == ["race: x", "race: x"]


def test_a_stated_target_is_not_joined_with_one_that_is_not() -> None:
    plain = DatasetParams(attribute="race", contexts="data/stated/taught.csv", target="even")
    with pytest.raises(ValueError, match="gender has a stated target and race has none"):
        JoinedParams(joined={"gender": DATASET, "race": plain})


def test_few_targets_that_can_be_said_make_fewer_contexts() -> None:
    item = Item(kind="count", text="{count} of {of} {word}", of=[1])
    stating = Stating(alpha=1.0, unstated=0.0, phrasings=only(item=item))
    found = contexts_to_test(["A"], 50, GENDER, stating, np.random.default_rng(0))
    assert 2 <= len(found) <= 4


@pytest.mark.parametrize("fields", [{"target": "even"}, {"stated": None}])
def test_a_stated_target_and_its_block_go_together(fields: dict) -> None:
    with pytest.raises(ValueError, match="needs a block `stated`"):
        DatasetParams(**(DATASET.model_dump() | fields))


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ('"{percent} % {word}", of: [100]', '"{pct} % {word}", of: [100]'),
        ('"{percent} % {word}", of: [100]', '"{percent} %", of: [100]'),
        ('"{percent} % {word}", of: [100]', '"{percent} % {word}", of: [0]'),
        ("of: [3, 4, 5, 6, 8, 10], short: true}", "of: [30], short: true}"),
        ('"mostly {word}"', '"mostly"'),
        ('"{question} ({shares})"', '"{question} ({share})"'),
        ('"{question} ({shares})"', '"({shares})"'),
        ('"{question} [{shares}]"', '"{question} [80% female]"'),
    ],
)
def test_a_phrasing_that_could_not_be_said_is_refused_at_the_door(
    tmp_path, written: str, instead: str
) -> None:
    text = (ROOT / "data/stated/phrasings.yaml").read_text(encoding="utf-8")
    assert written in text
    (tmp_path / "p.yaml").write_text(text.replace(written, instead, 1), encoding="utf-8")
    with pytest.raises(InputError, match=r"p.yaml: t(rain|est)[ .]"):
        read_phrasings(tmp_path / "p.yaml")


def test_a_misspelt_phrasing_is_named(tmp_path) -> None:
    path = tmp_path / "phrasings.yaml"
    text = (ROOT / "data/stated/phrasings.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("  frames:", "  frame:", 1), encoding="utf-8")
    with pytest.raises(InputError, match=r"phrasings.yaml: train.frame"):
        read_phrasings(path)


def test_a_context_that_training_asks_about_is_none_of_a_test(tmp_path) -> None:
    taught = (ROOT / DATASET.contexts).read_text(encoding="utf-8").splitlines()
    (tmp_path / "tested.csv").write_text(f"occupation\nTailors\n{taught[1].upper()}\n", "utf-8")
    stated = PARAMS.model_copy(update={"tested": str(tmp_path / "tested.csv")})
    with pytest.raises(InputError, match="which training asks about"):
        dataset_spec("s", {"gender": GENDER}, DATASET.model_copy(update={"stated": stated}), ROOT)
