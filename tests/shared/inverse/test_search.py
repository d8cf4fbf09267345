"""Halving finds the exact edge of anything that only gets harder."""

from hypothesis import given
from hypothesis import strategies as st

from shared.planner.limits import largest, smallest

numbers = st.integers(0, 5000)


@given(edge=numbers, most=numbers)
def test_the_largest_is_the_last_that_holds(edge, most):
    assert largest(lambda number: number <= edge, most) == min(edge, most)


@given(edge=numbers, most=numbers, guess=numbers)
def test_a_guess_however_wrong_changes_nothing(edge, most, guess):
    assert largest(lambda number: number <= edge, most, guess=guess) == min(edge, most)
    assert smallest(lambda number: number >= edge, 0, most, guess=guess) == (edge if edge <= most else None)


@given(edge=st.integers(1, 5000))
def test_a_good_guess_costs_two_questions(edge):
    asked = []
    largest(lambda number: asked.append(number) is None and number <= edge, 10_000, guess=edge)

    assert len(asked) == 2


@given(edge=numbers, least=numbers, span=numbers)
def test_the_smallest_is_the_first_that_holds_or_nothing(edge, least, span):
    found = smallest(lambda number: number >= edge, least, least + span)

    assert found == (max(edge, least) if edge <= least + span else None)


@given(edge=numbers, most=numbers)
def test_the_edge_costs_few_questions(edge, most):
    asked = []
    largest(lambda number: asked.append(number) is None and number <= edge, most)

    assert len(asked) <= most.bit_length() + 1
