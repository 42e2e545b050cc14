"""The nearest of some names, as messages tell it."""

from distalign.records.checked_yaml import near


def test_case_is_no_difference() -> None:
    assert near("male", ["Female", "Male"]) == "did you mean 'Male'? known: Female, Male"
    assert near("WARMUP", ["warmup", "train"]).startswith("did you mean 'warmup'?")


def test_nothing_is_near() -> None:
    assert near("xyz", ["warmup", "train"]) == "known: warmup, train"
