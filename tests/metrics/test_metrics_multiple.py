"""Several tests at once."""

import pytest

from projectkit.metrics import holm


def test_holms_correction_is_that_of_a_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # 4, 3, 2, 1 times, never falling
    assert holm([]) == []


def test_tests_that_were_not_made_count_where_they_could_have_been():
    assert holm([0.2, 0.01], family=10) == pytest.approx([1.0, 0.1])
