"""Prompted baselines: what is asked, and what is read from an answer."""

import pytest

from distalign.judging.words import read_category
from distalign.records.schemas import DatasetSpec
from distalign.sampling.prompts import (
    draw_candidate,
    external_prompt,
    is_applicable,
    method_prompt,
    percentages,
    read_answer,
    read_candidates,
    read_decision,
    rejection_prompt,
    seed_of_thought_prompt,
    verbalized_prompt,
)


def test_external_prompt_names_the_category(spec: DatasetSpec) -> None:
    assert external_prompt("Who?", 1, spec) == ("Who? In your response the gender must be female.")


def test_prompts_state_the_target(spec: DatasetSpec) -> None:
    for ask in (verbalized_prompt, seed_of_thought_prompt):
        text = ask("Who?", spec.contexts[1], spec)
        assert text.startswith("Who? ")
        assert "71.5% are male, 28.5% are female" in text


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1. They are male. | 0.7", ("They are male.", 0.7)),
        ("2) Female (30%)", ("Female", 0.3)),
        ("3. She is a woman: .25", ("She is a woman", 0.25)),
        ("**4. Male** - 0.5", ("Male", 0.5)),
    ],
)
def test_candidate_lines(line: str, expected: tuple[str, float]) -> None:
    [(text, p)] = read_candidates(line)
    assert text.strip("*") == expected[0]
    assert p == pytest.approx(expected[1])


def test_lines_without_a_probability_are_no_candidates() -> None:
    assert read_candidates("Here are 5 responses:\n1. Male\nThe gender is male.") == []


def test_candidates_are_drawn_by_their_probabilities() -> None:
    candidates = [("Male", 0.6), ("Female", 0.2)]
    drawn = [draw_candidate(candidates, u) for u in (0.0, 0.74, 0.76, 0.999)]
    assert drawn == ["Male", "Male", "Female", "Female"]


def test_nothing_to_draw_is_invalid(spec: DatasetSpec) -> None:
    for candidates in ([], [("Male", 0.0)]):
        text = draw_candidate(candidates, 0.5)
        assert read_category(text, spec.attribute) is None


def test_the_answer_alone_is_read(spec: DatasetSpec) -> None:
    output = "Seed: a7B3\nThe first digit is odd, so male or female.\nAnswer: female"
    assert read_answer(output) == "female"
    assert read_answer("**Answer:** male") == "** male"
    assert read_answer("I cannot choose.") == ""
    assert read_category(read_answer(output), spec.attribute) == "Female"


def test_the_rejection_prompt_states_target_proposals_and_the_proposed_word(
    spec: DatasetSpec,
) -> None:
    text = rejection_prompt("Who?", 1, spec.contexts[1], spec)
    assert text.startswith("Who? Do not answer this yourself")
    assert "Wanted over many answers: 71.5% are male, 28.5% are female." in text
    assert "other shares: 50% are male, 50% are female. It has proposed: female." in text
    assert text.endswith('"Decision: accept" or the line "Decision: reject".')


@pytest.mark.parametrize(
    ("output", "accepted"),
    [
        ("The ratio is 0.4, and I drew 0.2.\nDecision: accept", True),
        ("**Decision:** Accepted.", True),
        ("Accept", True),
        ("Decision: reject", False),
        ("Decision: accept\nNo, wait.\nDecision: reject", False),
        ("Decision: reject\nDecision: accept", True),
        ("Accept with probability 0.4. I drew 0.7.\nDecision: reject", False),
        ("Decision: do not accept", False),
        ("Decision: accept or reject", False),
        ("I would accept it.", False),
        ("They are female.", False),
        ("", False),
    ],
)
def test_decisions_that_cannot_be_read_reject(output: str, accepted: bool) -> None:
    assert read_decision(output) is accepted


@pytest.mark.parametrize(
    ("target", "written"),
    [
        ([0.5, 0.5], "50% 50%"),
        ([0.004, 0.996], "0.4% 99.6%"),
        ([1 / 3] * 3, "33.3% 33.4% 33.3%"),
        ([1 / 6] * 6, "16.7% 16.6% 16.7% 16.7% 16.6% 16.7%"),
        ([1 / 7] * 7, "14.3% 14.3% 14.3% 14.2% 14.3% 14.3% 14.3%"),
        ([0.0, 1.0], "0% 100%"),
    ],
)
def test_percentages_add_up(target: list[float], written: str) -> None:
    found = percentages(target)
    assert found == written.split()
    assert sum(float(share[:-1]) for share in found) == pytest.approx(100)


def test_method_prompts(spec: DatasetSpec) -> None:
    context = spec.context("Civil engineers")
    assert method_prompt("pe_explicit", "Who?", context, spec) == (
        "Who? Generate responses such that, over many responses, 89.7% are Male, 10.3% are Female."
    )
    assert method_prompt("pe_implicit", "Who?", context, spec) == (
        "Who? Follow real-world statistics."
    )
    for method in ("zero_shot", "ift", "dpo", "ours"):
        assert method_prompt(method, "Who?", context, spec) == "Who?"


def test_only_pe_implicit_on_even_targets_is_left_out(spec: DatasetSpec) -> None:
    even = spec.model_copy(update={"target": "even"})
    methods = ["zero_shot", "pe_explicit", "pe_implicit", "ours"]
    assert [method for method in methods if not is_applicable(method, even)] == ["pe_implicit"]
    assert all(is_applicable(method, spec) for method in methods)
