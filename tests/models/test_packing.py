"""The packed tree of three small rows, by hand."""

import torch

from distalign.models.packing import common_prefix, pack

CPU = torch.device("cpu")


def test_common_prefix_leaves_every_prompt_a_token() -> None:
    assert common_prefix([[5, 6, 7], [5, 6, 8]]) == 2
    assert common_prefix([[5, 6, 7], [5, 6, 7]]) == 2
    assert common_prefix([[5, 6], [5, 6, 7]]) == 1
    assert common_prefix([[4], [5]]) == 0


def test_rows_of_one_prompt_share_it() -> None:
    tree = pack([[5, 6], [5, 7, 8], [5, 6]], [[1, 2], [3], [4]], CPU)
    assert tree.ids.tolist() == [[5, 6, 1, 2, 4, 7, 8, 3]]
    assert tree.positions.tolist() == [[0, 1, 2, 3, 2, 1, 2, 3]]
    assert tree.groups == [0, 1, 0]
    assert tree.branches == [[1], [5, 6]]
    assert tree.prompt_ends.tolist() == [1, 6, 1]
    assert tree.predictors.tolist() == [1, 2, 6, 1]
    assert tree.labels.tolist() == [1, 2, 3, 4]
    assert tree.rows.tolist() == [0, 0, 1, 2]
