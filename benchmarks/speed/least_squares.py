"""Least squares on relative errors, with no library: three unknowns do not need one."""

from collections.abc import Sequence


def fit_relative(columns: Sequence[Sequence[float]], target: Sequence[float]) -> list[float]:
    """The non-negative coefficients whose sum of squared relative errors is least.

    A column whose coefficient comes out negative explains nothing: it is dropped and the rest fitted again.
    """
    kept = list(range(len(columns)))
    while True:
        scaled = [[value / goal for value, goal in zip(columns[i], target, strict=True)] for i in kept]
        normal = [
            [sum(a * b for a, b in zip(left, right, strict=True)) for right in scaled] for left in scaled
        ]
        solved = _solve(normal, [sum(column) for column in scaled])
        worst = min(range(len(kept)), key=lambda i: solved[i])
        if solved[worst] >= 0:
            found = dict(zip(kept, solved, strict=True))
            return [found.get(i, 0.0) for i in range(len(columns))]
        del kept[worst]


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss-Jordan with the largest pivot."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(len(rows)):
        pivot = max(range(i, len(rows)), key=lambda j: abs(rows[j][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for j in range(len(rows)):
            if j != i:
                factor = rows[j][i] / rows[i][i]
                rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[-1] / row[i] for i, row in enumerate(rows)]
