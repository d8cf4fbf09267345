"""The search finds the exact edge: by halving where things only get harder, by pieces where they may get easier."""

from hypothesis import given
from hypothesis import strategies as st

from shared.inverse.search import largest, largest_by_pieces

numbers = st.integers(0, 5000)


@given(edge=numbers, most=numbers)
def test_the_largest_is_the_last_that_holds(edge, most):
    assert largest(lambda number: number <= edge, most) == min(edge, most)


@given(edge=numbers, most=numbers, guess=numbers)
def test_a_guess_however_wrong_changes_nothing(edge, most, guess):
    assert largest(lambda number: number <= edge, most, guess=guess) == min(edge, most)


@given(edge=st.integers(1, 5000))
def test_a_good_guess_costs_two_questions(edge):
    asked = []
    largest(lambda number: asked.append(number) is None and number <= edge, 10_000, guess=edge)

    assert len(asked) == 2


@given(edge=numbers, most=numbers)
def test_the_edge_costs_few_questions(edge, most):
    asked = []
    largest(lambda number: asked.append(number) is None and number <= edge, most)

    assert len(asked) <= most.bit_length() + 1


# Pieces as long as drawn, and how many numbers of each hold, from its start: what an allocator's choices look like.
pieces = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 40)), min_size=1, max_size=12)


@given(pieces)
def test_where_what_fits_may_fit_again_further_up_the_last_of_all_is_found(drawn):
    holds, starts = [True], [0]
    for length, good in drawn:
        start = len(holds)
        holds += [index < good for index in range(length)]
        starts += [start] * length
    most = len(holds) - 1

    found = largest_by_pieces(lambda number: holds[number], most, lambda number: starts[number])

    assert found == max(number for number in range(most + 1) if holds[number])


@given(pieces)
def test_pieces_of_one_number_need_to_know_nothing(drawn):
    holds = [True, *(index < good for length, good in drawn for index in range(length))]

    found = largest_by_pieces(lambda number: holds[number], len(holds) - 1, lambda number: number)

    assert found == max(number for number in range(len(holds)) if holds[number])
