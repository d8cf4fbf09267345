"""Finding the edge of what fits: by halving where more never needs less, piece by piece where it may."""

from collections.abc import Callable


def largest(fits: Callable[[int], bool], most: int, *, guess: int | None = None) -> int:
    """The largest number from 0 to `most` for which `fits` holds, when it holds for all smaller ones; 0 is free.

    A good guess saves most of the halving: the edge is looked for around it in growing steps first.
    """
    low, high = 0, most + 1  # fits(low) holds, fits(high) is taken not to
    if guess is not None and 0 < guess <= most:
        low, high = _around(fits, guess, most)
    elif most > 0 and fits(most):
        return most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def last_within(over: Callable[[int], int], most: int) -> int:
    """The largest number from 1 to `most` that nothing is missing for, or 0, where `over` never falls.

    `over(number)` is how many bytes are missing; none where it is not positive. What fits mostly grows evenly, so the
    edge is looked for where a straight line between the ends would have it.
    """
    if most < 1 or over(1) > 0:
        return 0
    return _between(over, 1, most)


def last_by_pieces(over: Callable[[int], int], most: int, piece_start: Callable[[int], int]) -> int:
    """The same where `over` may fall, but not within a piece.

    `piece_start(number)` is the first number of the piece that `number` lies in, or any later one up to `number`.
    Pieces are looked at from the top, so the first edge found is the largest; a piece of one number is always right,
    and costs the most.
    """
    high = most
    while high > 0:
        if over(high) <= 0:
            return high
        low = max(1, piece_start(high))
        if low < high and over(low) <= 0:
            return _between(over, low, high)
        high = low - 1
    return 0


def _between(over: Callable[[int], int], low: int, high: int) -> int:
    """The last number up to `high` that nothing is missing for, where nothing is for `low`."""
    at_low, at_high = over(low), over(high)
    if at_high <= 0:
        return high
    guess = max(1, -at_low * (high - low) // (at_high - at_low))
    return low + largest(lambda more: over(low + more) <= 0, high - low - 1, guess=guess)


def _around(fits: Callable[[int], bool], guess: int, most: int) -> tuple[int, int]:
    """Bounds of the edge near a guess: the lower one holds, the upper one does not (or is beyond `most`)."""
    step = 1
    if fits(guess):
        low = guess
        while low + step <= most:
            if not fits(low + step):
                return low, low + step
            low, step = low + step, step * 4
        return (most, most + 1) if low == most or fits(most) else (low, most)
    high = guess
    while high - step > 0:
        if fits(high - step):
            return high - step, high
        high, step = high - step, step * 4
    return 0, high
