"""The search finds the exact edge: by halving where things only get harder, by pieces where they may get easier."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from shared.inverse.search import largest, last_by_pieces, last_within

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


# Pieces as long as drawn, how many numbers of each hold, from its start, and how steeply it grows: what an
# allocator's choices look like.
pieces = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 40), st.integers(0, 9)), min_size=1, max_size=12
)


def grown(drawn):
    """What is missing for each number, and where its piece starts."""
    over, starts = [0], [0]
    for length, good, slope in drawn:
        start = len(over)
        over += [(index - good) * slope + (index >= good) for index in range(length)]
        starts += [start] * length
    return over, starts


@given(pieces)
def test_where_what_fits_may_fit_again_further_up_the_last_of_all_is_found(drawn):
    over, starts = grown(drawn)
    most = len(over) - 1

    found = last_by_pieces(over.__getitem__, most, starts.__getitem__)

    assert found == max(number for number in range(most + 1) if over[number] <= 0)


@given(pieces)
def test_pieces_of_one_number_need_to_know_nothing(drawn):
    over, _ = grown(drawn)

    found = last_by_pieces(over.__getitem__, len(over) - 1, lambda number: number)

    assert found == max(number for number in range(len(over)) if over[number] <= 0)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=200), st.integers(-(10**10), 10**9))
def test_what_never_falls_is_aimed_at_and_met(steps, start):
    over = list(accumulate(steps, initial=start))

    found = last_within(lambda number: over[number - 1], len(over))

    assert found == sum(1 for size in over if size <= 0)


@given(st.integers(1, 10_000), st.integers(1, 10**9))
def test_what_grows_evenly_costs_few_questions(edge, slope):
    asked = []
    last_within(lambda number: asked.append(number) or (number - edge) * slope, 20_000)

    assert len(asked) <= 6
