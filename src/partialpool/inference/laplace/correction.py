"""What the Laplace approximation of a marginal density misses: the terms of the next order.

With l3 and l4 the third and fourth derivatives of a cell's log likelihood by its predictor, B = A H^-1 A'
the covariance of the predictors and v its diagonal, they are (Shun & McCullagh 1995; Raudenbush, Yang &
Yosef 2000)

    sum_i l4_i v_i^2 / 8  +  sum_ij l3_i v_i B_ij v_j l3_j / 8  +  sum_ij l3_i B_ij^3 l3_j / 12.

The first two follow from the variances and the shift of the mean. The last is a sum over pairs of cells.
Where there are too many it is estimated: it is Var(T) / 72 of  T = sum_i l3_i (r_i^3 - 3 v_i r_i)  for
predictors r with covariance B, from draws with the same normals at all points, so that what is left of
their noise hardly changes from point to point.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.laplace.gradient import Shift
from partialpool.inference.laplace.inner import Conditional, InnerProblem

Floats = NDArray[np.float64]

PAIRS = 200_000_000  # operations that the sum over pairs of cells may take
DRAWS = 200  # the error of the last term is then a tenth of it, with many groups
FEWEST_DRAWS = 32
LARGEST = 4_000_000  # numbers in the arrays of draws


def correction_normals(problem: InnerProblem) -> Floats:
    """(dim, draws) normals for `correction`, the same for the same model.

    For few cells a unit matrix: each column is a direction of its own, and nothing is drawn.
    """
    n, dim = problem.likelihood.n, problem.dim
    if n * n * dim <= PAIRS:
        return np.eye(dim)
    draws = int(np.clip(LARGEST // max(n, dim), FEWEST_DRAWS, DRAWS))
    return np.random.default_rng(0).standard_normal((dim, draws))


def correction(problem: InnerProblem, at: Conditional, shift: Shift, normals: Floats) -> float:
    """The sum of the three terms given one point of the outer parameters.

    Parameters
    ----------
    at
        The normal approximation.
    shift
        Of its mean, with the variances of the predictor.
    normals
        From `correction_normals`.
    """
    (p,) = problem.latent
    v, slope, bend = shift.variances, shift.weight_slope, shift.weight_bend
    first = -0.125 * float(bend @ v**2)
    second = 0.25 * float((slope * v) @ problem.predictors.spread(shift.psi)[p])
    draws = np.ascontiguousarray(at.factor.spread(normals).T)
    r = np.array([problem.predictors.spread(v)[p] for v in draws])
    if r.shape[1] ** 2 * problem.dim <= PAIRS:
        covariance = r.T @ r
        return first + second + float(slope @ (covariance * covariance * covariance) @ slope) / 12.0
    cubes = (r * (r * r - 3.0 * v)) @ slope
    return first + second + float(np.mean(cubes**2)) / 72.0
