"""Rows that a step holds beside its own."""

from distalign.training.step_rows import StepRows


def test_a_step_has_its_own_rows_whatever_the_processes() -> None:
    rows = list(range(10))
    held = StepRows(rows, 4, seed=3)
    steps = [held.at(step, 0, 1) for step in range(5)]
    # Twice through all rows, in another order each time.
    turns = [row for step in steps for row in step]
    assert sorted(turns[:10]) == sorted(turns[10:]) == rows
    assert turns[:10] != turns[10:]
    assert held.at(3, 0, 1) == StepRows(rows, 4, seed=3).at(3, 0, 1)
    assert StepRows(rows, 4, seed=4).at(3, 0, 1) != steps[3]
    parts = [held.at(2, process, 2) for process in range(2)]
    assert sorted(parts[0] + parts[1]) == sorted(steps[2])
