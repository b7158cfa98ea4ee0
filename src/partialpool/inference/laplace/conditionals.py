"""How normal the effects are: single effects given everything else, by the approximation and on a grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.draws import GroupCheck
from partialpool.inference.laplace.blocks import Block
from partialpool.inference.laplace.inner import Conditional, InnerProblem

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

GRID = np.linspace(-7.0, 7.0, 57)  # in sds of the approximation
CHECKED = 20  # groups of each kind in each factor: fewest rows, most extreme, most rows
NAMED = (2, 2, 1)  # of these kinds, in the largest factor


def check_effects(problem: InnerProblem, at: Conditional) -> tuple[float, tuple[GroupCheck, ...]]:
    """Compare effects given everything else at its mode with their exact conditional densities.

    Returns
    -------
    The smallest share of the approximation's proposals that an independence Metropolis sampler of the exact
    conditional accepts, over the groups that are checked, and a handful of them.
    """
    smallest, named = 1.0, []
    for f, block in enumerate(problem.blocks):
        if not block.terms:
            continue
        order = np.argsort(block.groups, kind="stable")
        ends = np.cumsum(np.bincount(block.groups, minlength=block.size))
        kinds = _kinds(problem, at, f)
        chosen = [j for kind, count in zip(kinds, NAMED, strict=True) for j in kind[:count]]
        for j in np.unique(np.concatenate(kinds)):
            cells = order[ends[j - 1] if j else 0 : ends[j]]
            for a in range(block.width):
                acceptance, shift, ratio = _compare(problem, at, f, int(j), a, cells)
                smallest = min(smallest, acceptance)
                if f == 0 and a == 0 and j in chosen:
                    named.append(GroupCheck(*_name(problem, block, int(j)), shift, ratio))
    return smallest, tuple(named)


def _kinds(problem: InnerProblem, at: Conditional, f: int) -> tuple[Integers, ...]:
    """Groups with the fewest cells, the most extreme ones, those with the most cells."""
    block = problem.blocks[f]
    by_cells = np.argsort(np.bincount(block.groups, minlength=block.size), kind="stable")
    extreme = np.argsort(-np.abs(problem.groups(at.mode - problem.means, f)[:, 0]), kind="stable")
    return by_cells[:CHECKED], extreme[:CHECKED], by_cells[::-1][:CHECKED]


def _name(problem: InnerProblem, block: Block, j: int) -> tuple[str, str]:
    term = problem.spec.parameters.blocks[block.terms[0]][1]
    return term.coefficients[0].name, str(term.term.grouping.labels[j])


def _compare(
    problem: InnerProblem, at: Conditional, f: int, j: int, a: int, cells: Integers
) -> tuple[float, float, float]:
    """Acceptance, shift of the mean and ratio of the sds of one effect given everything else."""
    block, precision = problem.blocks[f], at.given.precisions[f]
    likelihood = problem.likelihood.part(cells)
    p, x, eta = int(block.predictors[a]), block.columns[cells, a], at.eta[:, cells]
    curvature = likelihood.weights(eta, likelihood.evaluate(eta)[2])[p, p]
    variance = 1.0 / (float(x**2 @ curvature) + precision[a, a])
    sd = np.sqrt(variance)
    centre = 0.0
    if len(problem.latent) == 1:
        centre = -0.5 * variance**2 * float(x**3 @ likelihood.weight_slopes(eta)[0])
    moves = centre + sd * GRID
    off = problem.groups(at.mode - problem.means, f)[j]
    pull = float(precision[a] @ off)
    exact = -pull * moves - 0.5 * precision[a, a] * moves**2
    for i, move in enumerate(moves):
        changed = eta.copy()
        changed[p] += move * x
        exact[i] += likelihood.evaluate(changed)[0]
    share = np.exp(exact - np.max(exact))
    share /= share.sum()
    normal = np.exp(-0.5 * GRID**2)
    normal /= normal.sum()
    acceptance = float(np.sum(np.minimum(np.outer(share, normal), np.outer(normal, share))))
    mean = float(share @ GRID)
    width = float(np.sqrt(share @ (GRID - mean) ** 2))
    return acceptance, -mean / width, 1.0 / width
