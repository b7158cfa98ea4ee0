"""Block elimination of group effects: what is known of coefficients and outer groups without the inner ones.

Groups that lie in others (classes in schools, ``(1 | school/class)``) are eliminated first. With C the
posterior covariance of an inner term's effects given everything else, every outer term and the coefficients
lose X' C X of their curvature, X being the cross curvature with the inner term: exact Gaussian elimination,
linear in the number of groups. Crossed factors have no such order; each is then eliminated on its own, and
when a coefficient moves they make up for it in shares. Inner terms that are crossed (children as senders and
as receivers, in classes) would take the same curvature twice: see `_taken`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.quickfit.newton import inverse
from partialpool.inference.quickfit.point import FittedEffects, FittedPart
from partialpool.model.geometry import Nesting

Floats = NDArray[np.float64]


def eliminate(part: FittedPart, links: Iterable[Nesting], first: int) -> Floats:
    """Eliminate the group effects of one part.

    Parameters
    ----------
    part
        The part after the quick fit; its blocks' information, cross and pull are changed.
    links
        Of the model's blocks; the cross curvatures of this part's are changed.
    first
        Number of the part's first block among the model's.

    Returns
    -------
    (K, K) posterior covariance of the coefficients.
    """
    terms = part.effects
    order = sorted(range(len(terms)), key=lambda t: -len(terms[t].effects))
    own = {(link.inner - first, link.outer - first): link for link in links}
    outer = {t: [s for r, s in own if r == t] for t in order}
    residual = {t: _residual(terms[t]) for t in order}
    left = part.curvature
    for t in order:
        inner = terms[t]
        if any(t in found for found in outer.values()):
            inner.information = _positive(inner.information)
        inner.posterior = _covariance(inner.information, inner.covariance)
        taken = _taken(inner, _crossed_siblings(t, outer) if outer[t] else 1)
        for s in outer[t]:
            _take_from_outer(t, s, terms, outer, own, residual, taken)
        if outer[t]:
            left -= _quadratic(inner, taken)
    for t in order:
        precision = terms[t].information + np.linalg.inv(terms[t].covariance)
        terms[t].pull = residual[t] + np.einsum("jab,jb->ja", precision, terms[t].effects)
    covariance, shares = _crossed(left, {t: terms[t] for t in order if not outer[t]})
    for t in order:
        parts = [shares[r] for r in shares if r == t or r in _all_outer(t, outer)]
        # The effects of the k groups of a cell make up for a coefficient together.
        terms[t].cross = terms[t].cross * np.minimum(np.sum(parts, axis=0), 1.0) / terms[t].memberships
    return covariance


def _all_outer(t: int, outer: dict[int, list[int]]) -> set[int]:
    """Every term that t's groups lie in, however far out."""
    found = set(outer[t])
    for s in outer[t]:
        found |= _all_outer(s, outer)
    return found


def _residual(term: FittedEffects) -> Floats:
    """(J, d) derivative of the log posterior by the effects; zero where the quick fit has converged."""
    gradient = term.pull - np.einsum("jab,jb->ja", term.information, term.effects)
    return gradient - (term.effects - term.prior_mean) @ np.linalg.inv(term.covariance)


def _covariance(information: Floats, prior: Floats) -> Floats:
    """(J, d, d) covariance of each group's effects given everything else."""
    precision: Floats = information + np.linalg.inv(prior)
    # Where a group's rows say much about some directions and nothing about others, the prior's part is lost
    # to rounding; a little on the diagonal keeps the inverse.
    return np.linalg.inv(precision * (1.0 + 1e-12 * np.eye(precision.shape[-1]))).astype(float)


def _crossed_siblings(t: int, outer: dict[int, list[int]]) -> int:
    """How many terms, t with them, lie in others and not in each other."""
    inside = (s for s in outer if outer[s] and s != t)
    return 1 + sum(s not in _all_outer(t, outer) and t not in _all_outer(s, outer) for s in inside)


def _taken(term: FittedEffects, siblings: int) -> Floats:
    """(J, d, d) the C with which a term is eliminated: its posterior covariance, or less.

    What terms take that are eliminated one by one, although the data tie their effects u to each other, must
    not be more than what they take together. As (u_1 + ... + u_k)^2 <= k (u_1^2 + ... + u_k^2), it is not if
    each counts k times its own information.
    """
    times = term.memberships * siblings
    return term.posterior if times == 1 else _covariance(times * term.information, term.covariance)


def _quadratic(term: FittedEffects, taken: Floats) -> Floats:
    """(K, K) what the coefficients' curvature loses without a term, or less."""
    solved = np.einsum("jab,jbk->jak", taken, term.cross)
    return np.einsum("jak,jal->kl", term.cross, solved)


def _take_from_outer(
    t: int,
    s: int,
    terms: list[FittedEffects],
    outer: dict[int, list[int]],
    links: dict[tuple[int, int], Nesting],
    residual: dict[int, Floats],
    taken: Floats,
) -> None:
    """Take from term s what eliminating term t, whose groups lie in its groups, takes with (J, d, d) C."""
    inner, group, cross = terms[t], links[t, s].group, links[t, s].cross
    solved = np.einsum("jba,jbc->jac", cross, taken)  # X' C
    target = terms[s]
    np.subtract.at(target.information, group, np.einsum("jac,jcb->jab", solved, cross))
    np.subtract.at(target.cross, group, np.einsum("jac,jck->jak", solved, inner.cross))
    np.subtract.at(residual[s], group, np.einsum("jac,jc->ja", solved, residual[t]))
    for r in outer[t]:
        if r in outer[s]:
            np.subtract.at(links[s, r].cross, group, np.einsum("jac,jcb->jab", solved, links[t, r].cross))


def _positive(information: Floats) -> Floats:
    """The nearest positive semi-definite matrices: elimination can leave rounding errors below zero."""
    values, vectors = np.linalg.eigh(0.5 * (information + np.swapaxes(information, 1, 2)))
    return np.einsum("jac,jc,jbc->jab", vectors, np.maximum(values, 0.0), vectors)


def _crossed(left: Floats, roots: dict[int, FittedEffects]) -> tuple[Floats, dict[int, Floats]]:
    """Posterior covariance of the coefficients, and each outermost term's share in what is added to each.

    Eliminating term t alone adds D_t = (A - sum_j H_j' C_j H_j)^-1 - A^-1 to the covariance A^-1 given all
    effects. With several terms the sum of all D_t is used, and when a coefficient moves, each term's effects
    make up for it in proportion to its D_t, so that together they do so once.
    """
    given_all = inverse(_positive_one(left))
    alone = {t: left - _quadratic(term, _taken(term, 1)) for t, term in roots.items()}
    added = {t: inverse(_positive_one(curvature)) - given_all for t, curvature in alone.items()}
    diagonals = {t: np.maximum(np.diag(d), 0.0) for t, d in added.items()}
    total = np.maximum(np.sum([*diagonals.values(), np.zeros(len(left))], axis=0), np.finfo(float).tiny)
    covariance = _positive_one(np.sum([given_all, *added.values()], axis=0))
    return covariance, {t: d / total for t, d in diagonals.items()}


def _positive_one(matrix: Floats) -> Floats:
    return _positive(matrix[None])[0]
