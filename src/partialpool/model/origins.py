"""Where predictors lie: columns far from zero are kept less an origin, and draws are told of it at the end.

With columns x - o in place of x the same predictor is a + b x = (a + b o) + b (x - o). Of an origin far away
the digits that tell rows apart would be lost in sums of products of columns, and in a + b x itself. What
takes up the difference is the intercept, or the thresholds that stand in its place; priors at the predictors'
means say the same of either. Columns that are not far stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, build
from partialpool.families.base import Family
from partialpool.formula.records import Predictor
from partialpool.model.names import prefix
from partialpool.model.parameters import Parameters
from partialpool.priors.base import AtMeans, unwrapped
from partialpool.priors.uniform import Flat

Floats = NDArray[np.float64]

FAR = 1e3  # distance of a column from zero, in its ranges: a matrix of products then has nine digits left
LOST = 2.0**-10  # of its range, the distance of neighbouring numbers from which a column has lost its digits
SMALLEST = 1e-140  # range of a column: its square and that of its inverse are numbers
UNUSABLE = 1e6  # the same as FAR where the origin cannot be moved: such a matrix has three digits left
ROWS, ENDS = 64, (np.minimum, np.maximum)


def far_origins(matrix: Floats) -> Floats:
    """(K,) an origin for each column, one of its own values near the mean; 0 for a column that is not far.

    Of whole numbers the distances from their origin are whole.
    """
    origins = np.zeros(matrix.shape[1])
    for k in np.flatnonzero(_distances(matrix) > FAR):
        column = matrix[:, k]
        origins[k] = column[np.argmin(np.abs(column - np.mean(column)))]
    return origins


def _distances(matrix: Floats) -> Floats:
    """(K,) how far columns are from zero, in units of their ranges; 0 for a constant one."""
    if not len(matrix):
        return np.zeros(matrix.shape[1])
    lower, upper = _ends(matrix)
    middle, extent = np.abs(0.5 * lower + 0.5 * upper), upper - lower
    return np.divide(middle, extent, out=np.zeros_like(middle), where=extent > 0)


def _ends(matrix: Floats) -> tuple[Floats, Floats]:
    """(K,) smallest and largest numbers of columns; of many short rows a block at a time, which is quick."""
    if matrix.flags.c_contiguous and matrix.size and len(matrix) >= 2 * ROWS:
        whole = len(matrix) - len(matrix) % ROWS
        blocks = matrix[:whole].reshape(-1, ROWS * matrix.shape[1])
        found = (f.reduce(blocks, axis=0).reshape(ROWS, -1) for f in ENDS)
        lower, upper = (
            f.reduce(np.concatenate([own, matrix[whole:]]), axis=0)
            for f, own in zip(ENDS, found, strict=True)
        )
        return lower, upper
    return matrix.min(axis=0), matrix.max(axis=0)


def takers(parameters: Parameters, family: Family, number: int) -> dict[int, float]:
    """Coefficients, by number among all, that take up a predictor's origins, and with which sign.

    Empty where there are none, or where one has a prior that does not move with the origin.
    """
    part, every = parameters.predictors[number], parameters.coefficients
    own = {id(c) for c in part.coefficients if c.name == prefix(part.parameter) + "Intercept"}
    sign = -1.0
    if not own and part.parameter == family.main and not family.intercept:
        beside = [p for p in parameters.predictors if p.parameter in family.vector_values]
        own, sign = {id(c) for p in beside for c in p.coefficients}, 1.0
    found = {k: sign for k, c in enumerate(every) if id(c) in own}
    moves = all(
        isinstance(every[k].prior, AtMeans) or isinstance(unwrapped(every[k].prior), Flat) for k in found
    )
    return found if moves else {}


def coefficient_origins(parameters: Parameters, family: Family) -> Floats:
    """(K,) the origin of each coefficient's column: 0 where it is not far, or nothing takes the origin up."""
    found: list[Floats] = []
    for number, part in enumerate(parameters.predictors):
        movable = part.predictor is not None and bool(takers(parameters, family, number))
        matrix = part.predictor.population.matrix if part.predictor is not None and movable else None
        found.append(np.zeros(len(part.coefficients)) if matrix is None else far_origins(matrix))
    return np.concatenate(found)


def require_digits(parameters: Parameters, family: Family) -> None:
    """Refuse columns of which double precision has lost what the rows differ in.

    Raises
    ------
    DataError
        Naming the column.
    """
    for number, part in enumerate(parameters.predictors):
        if part.predictor is None:
            continue
        names, matrix = part.predictor.population.names, part.predictor.population.matrix
        _require_told_apart(names, matrix)
        fixed = len(names) > 1 or not family.intercept
        distant = _distant(names, matrix)
        if distant and fixed and not takers(parameters, family, number):
            raise _far(distant[0], "other coefficients have priors where it is 0")
        for name in names:
            if ":" in name and any(own in distant for own in name.split(":")):
                raise _far(
                    name,
                    "products with it keep too few digits",
                    [own for own in name.split(":") if own in distant],
                )
        _require_near_groups(part.predictor)


def _distant(names: Sequence[str], matrix: Floats) -> list[str]:
    """Columns whose origin has to be moved."""
    return [name for name, d in zip(names, _distances(matrix), strict=True) if d > UNUSABLE]


def _require_near_groups(predictor: Predictor) -> None:
    for term in predictor.groups:
        _require_told_apart(term.names, term.matrix)
        for name in _distant(term.names, term.matrix):
            raise _far(name, f"the effects of {term.grouping.name} are deviations where it is 0")


def _require_told_apart(names: Sequence[str], matrix: Floats) -> None:
    if not len(matrix):
        return
    for name, *ends in zip(names, *_ends(matrix), strict=True):
        lower, upper = map(float, ends)
        extent, step = upper - lower, float(np.spacing(max(abs(lower), abs(upper))))
        if extent and step > LOST * extent:
            raise build(
                DataError,
                f"All {len(matrix):,} values of {name!r} lie between {lower!r} and {upper!r}, where double "
                f"precision tells apart only numbers {step:.3g} from each other: their differences are lost.",
                hint="subtract a number near them before they become floats, or leave the column out",
            )
        if extent and not SMALLEST < extent < 1.0 / SMALLEST:
            raise build(
                DataError,
                f"The values of {name!r} are {extent:.3g} apart: double precision has no squares of that.",
                allowed=f"between {SMALLEST:g} and {1.0 / SMALLEST:g}",
                hint="another unit",
            )


def _far(name: str, why: str, columns: Sequence[str] = ()) -> DataError:
    column = columns[0] if columns else name
    return build(
        DataError,
        f"The values of {column!r} are more than {UNUSABLE:,.0f} times as far from 0 as from each other, "
        f"and {why}{f': {name}' if columns else ''}.",
        hint=f"center({column}) in the formula; a prior AtMeans(...) of an intercept holds at the means",
    )
