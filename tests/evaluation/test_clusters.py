"""Which samples of a subset were drawn together: those of a group that the split kept apart from train."""

from __future__ import annotations

import numpy as np
import pytest

from projectkit.evaluation.clusters import FEW, FEWEST, clusters_of


def test_samples_of_a_held_out_group_were_drawn_together() -> None:
    groups = np.repeat([f"host {number}" for number in range(40)], 3)
    found = clusters_of(groups, ["another host"])
    assert found.numbers is not None
    assert found.note is None
    assert np.array_equal(np.unique(found.numbers, return_counts=True)[1], np.full(40, 3))
    assert all(len(set(found.numbers[groups == name])) == 1 for name in groups)


def test_a_group_that_train_has_is_no_draw() -> None:
    groups = np.repeat([f"family {number}" for number in range(30)], 10)
    assert clusters_of(groups, groups).numbers is None
    held_out = [name for name in np.unique(groups) if name.endswith(("1", "2", "3"))]
    found = clusters_of(groups, [name for name in np.unique(groups) if name not in held_out])
    assert found.numbers is not None
    sizes = np.unique(found.numbers, return_counts=True)[1]
    assert sorted(sizes) == [1] * (len(groups) - 10 * len(held_out)) + [10] * len(held_out)


@pytest.mark.parametrize("of_train", [None, ["x"]])
def test_groups_of_one_sample_and_none_at_all_are_no_clusters(of_train: list[str] | None) -> None:
    for groups in (None, np.array([], dtype=str), np.array(["a", "b", "c"])):
        found = clusters_of(groups, of_train)
        assert found.numbers is None
        assert found.note is None


def test_too_few_groups_are_told_and_not_drawn_by() -> None:
    found = clusters_of(np.repeat(np.arange(FEWEST - 1), 50), [])
    assert found.numbers is None
    assert found.note is not None
    assert f"in {FEWEST - 1} groups, too few to draw by" in found.note
    assert "in 1 group, too few" in str(clusters_of(np.zeros(9)).note)


def test_few_groups_are_drawn_by_and_told() -> None:
    found = clusters_of(np.repeat(np.arange(FEW), 4))
    assert found.numbers is not None
    assert found.note == f"the samples come in {FEW} groups: take the intervals for a hint"
