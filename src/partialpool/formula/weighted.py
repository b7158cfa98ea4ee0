"""Transforms such as ``scale`` on rows with frequency weights.

formulae's transforms compute their parameters (means, sds, knots) from rows that count once. Here the
parameters are computed from rows with weights, as from the table in which a row of weight w is written w
times. Otherwise the transforms are formulae's own. Rows of weight 0 do not count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from partialpool.formula.records import Floats
from partialpool.formula.transforms import new_transform


def make_a_difference(weights: Floats | None) -> bool:
    """Tell whether rows count otherwise than once each.

    Where all weights are 0 there is nothing to learn from, and every row counts once.
    """
    return weights is not None and bool(np.any(weights != 1.0)) and bool(np.any(weights > 0))


def learnt(function: str, x: Floats, options: dict[str, Any], weights: Floats) -> Any:
    """Make a transform that has learnt from rows with weights.

    Parameters
    ----------
    function
        Its name in formulas.
    x
        (n,) what is transformed.
    options
        The other arguments, by name.
    weights
        (n,) how many rows each row stands for, some above 0.
    """
    transform, used = new_transform(function), weights > 0
    _LEARNERS[function](transform, x[used], weights[used], options)
    return transform


def weighted_quantile(values: Floats, weights: Floats, at: Floats) -> Floats:
    """Compute the quantiles that numpy computes of values of which each is there as often as its weight says.

    Parameters
    ----------
    values
        (n,) in any order.
    weights
        (n,) above 0. They may be fractions: the place of a quantile is then, too.
    at
        Probabilities.

    Examples
    --------
    >>> weighted_quantile(np.array([1.0, 2.0]), np.array([1.0, 3.0]), np.array([0.25, 0.5]))
    array([1.75, 2.  ])
    """
    order = np.argsort(values, kind="stable")
    ordered, upto = values[order], np.cumsum(weights[order])
    place = at * max(upto[-1] - 1.0, 0.0)
    below = np.floor(place)
    last = len(values) - 1
    low, high = (ordered[np.minimum(np.searchsorted(upto, below + i, side="right"), last)] for i in range(2))
    return np.asarray(low + (high - low) * (place - below))


def _mean(values: Floats, weights: Floats) -> Any:
    return np.average(values, axis=0, weights=weights)


def _center(transform: Any, x: Floats, weights: Floats, _options: dict[str, Any]) -> None:
    transform.mean = _mean(x, weights)
    transform.params_set = True


def _scale(transform: Any, x: Floats, weights: Floats, _options: dict[str, Any]) -> None:
    """As formulae and Bambi have it, the sd is that of all rows: sums over n, not n - 1."""
    transform.mean = _mean(x, weights)
    transform.std = np.sqrt(_mean((x - transform.mean) ** 2, weights))
    transform.params_set = True


def _poly(transform: Any, x: Floats, weights: Floats, options: dict[str, Any]) -> None:
    """Orthogonal polynomials by their recurrence of three terms, sums over rows weighted."""
    transform.degree, transform.raw = options.get("degree", 1), options.get("raw", False)
    if transform.raw:
        return
    before, now = np.zeros_like(x), np.ones_like(x)
    for k in range(transform.degree + 1):
        squares = weights * now**2
        transform.norms2[k] = np.sum(squares)
        if k == transform.degree:
            return
        transform.alpha[k] = np.sum(x * squares) / transform.norms2[k]
        beta = transform.norms2[k] / transform.norms2[k - 1] if k else 0.0
        before, now = now, (x - transform.alpha[k]) * now - beta * before


def _bs(transform: Any, x: Floats, weights: Floats, options: dict[str, Any]) -> None:
    """Knots at quantiles of all rows, columns centred over all rows."""
    center = not options["intercept"] if options.get("intercept") is not None else options.get("center", True)
    n_knots = (options.get("df") or 0) - options.get("degree", 3) - 1 + bool(center)
    if options.get("df") is not None and options.get("knots") is None and n_knots >= 0:
        at = np.linspace(0, 1, n_knots + 2)[1:-1]
        options = options | {"knots": weighted_quantile(x, weights, at)}
    transform(x, **options)
    if transform._center:
        transform._centering_matrix = _centring(transform._eval_basis(x), weights)


def _cubic(transform: Any, x: Floats, weights: Floats, options: dict[str, Any]) -> None:
    """Knots at quantiles of the distinct values, whatever their weights; columns centred over all rows."""
    transform(x, **options)
    center, transform._center = transform._center, False
    # Of the rows formulae takes only the columns' means here.
    basis = transform.eval(x) * (weights / np.mean(weights))[:, np.newaxis]
    transform._set_state(transform._spline, transform._knots, basis, center)


def _tp(transform: Any, x: Floats, weights: Floats, options: dict[str, Any]) -> None:
    """The distinct values carry the basis; all rows decide where it is centred and how it is scaled."""
    transform(x, **options)
    center, old_shift, old_scale = transform._center, transform._shift, transform._scale
    shift = _mean(x, weights)
    scale = np.sqrt(_mean((x - shift) ** 2, weights))
    radial = transform._kernel((x - old_shift) / old_scale, transform._sites) @ transform._radial_map
    rms = np.sqrt(_mean(radial**2, weights))
    penalty = _uncentred(transform._penalty_matrix, transform._centering_matrix)
    penalty[:-2, :-2] /= np.outer(rms, rms)
    # |x - site|^3 has the units of x^3: what the kernel gains by another scale, the map from it loses.
    transform._shift, transform._scale = shift, scale
    transform._sites = (transform._sites * old_scale + old_shift - shift) / scale
    transform._radial_map = transform._radial_map / rms * (scale / old_scale) ** 3
    if center:
        raw = np.column_stack((radial / rms, np.ones(len(x)), (x - shift) / scale))
        transform._centering_matrix = _centring(raw, weights)
        penalty = transform._centering_matrix.T @ penalty @ transform._centering_matrix
    transform._penalty_matrix = (penalty + penalty.T) / 2


def _uncentred(penalty: Floats, centring: Floats | None) -> Floats:
    """Return the penalty of a basis before it was centred: a constant, its last column but one, has none."""
    if centring is None:
        return penalty.copy()
    constant = np.eye(len(centring))[:, [-2]]
    back = np.linalg.inv(np.column_stack((centring, constant)))[:-1]
    return np.asarray(back.T @ penalty @ back)


def _centring(basis: Floats, weights: Floats) -> Any:
    """Return what takes the direction of the columns' means away."""
    from formulae.utils import get_centering_matrix

    return get_centering_matrix(_mean(basis, weights)[np.newaxis])


_LEARNERS: dict[str, Callable[[Any, Floats, Floats, dict[str, Any]], None]] = {
    "bs": _bs,
    "cc": _cubic,
    "center": _center,
    "cr": _cubic,
    "poly": _poly,
    "scale": _scale,
    "standardize": _scale,
    "tp": _tp,
}
