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


def largest_by_pieces(fits: Callable[[int], bool], most: int, piece_start: Callable[[int], int]) -> int:
    """The largest number from 1 to `most` for which `fits` holds, or 0, where `fits` need not hold for smaller ones.

    `piece_start(number)` is the first number of the piece `number` lies in: from there up to `number`, what fits not
    does not fit further up either. Pieces are looked at from the top, so the first edge found is the largest; a piece
    of one number is always right, and costs the most.
    """
    high = most
    while high > 0:
        if fits(high):
            return high
        low = max(1, piece_start(high))
        if low < high and fits(low):
            return low + largest(lambda more, low=low: fits(low + more), high - low - 1)  # type: ignore[misc]
        high = low - 1
    return 0


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
