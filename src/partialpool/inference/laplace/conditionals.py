"""How normal the effects are: single effects given everything else, by the approximation and on a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.draws import GroupCheck
from partialpool.inference.laplace.inner import Conditional, InnerProblem, prior_pull
from partialpool.inference.laplace.inner_blocks import InnerBlock

if TYPE_CHECKING:
    from scipy.sparse import csr_array

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
        cells = _cells_of_groups(block)
        kinds = _kinds(problem, at, f, np.diff(cells.indptr))
        chosen = [j for kind, count in zip(kinds, NAMED, strict=True) for j in kind[:count]]
        for j in np.unique(np.concatenate(kinds)):
            own = cells.indices[cells.indptr[j] : cells.indptr[j + 1]]
            for a in range(block.width):
                acceptance, shift, ratio = _compare(problem, at, f, int(j), a, own)
                smallest = min(smallest, acceptance)
                if f == 0 and a == 0 and j in chosen:
                    named.append(GroupCheck(*_name(problem, block, int(j)), shift, ratio))
    return smallest, tuple(named)


def _cells_of_groups(block: InnerBlock) -> csr_array:
    """(J, n) sparse, with an entry where a cell belongs to a group."""
    from scipy.sparse import coo_array

    pairs = [(use.groups, np.arange(len(use.groups))) for use in block.uses]
    rows, columns = (np.concatenate(part) for part in zip(*pairs, strict=True))
    found = coo_array((np.ones(len(rows)), (rows, columns)), shape=(block.size, len(block.matrix))).tocsr()
    found.sort_indices()
    return found


def _kinds(problem: InnerProblem, at: Conditional, f: int, counts: Integers) -> tuple[Integers, ...]:
    """Groups with the fewest cells, the most extreme ones, those with the most cells."""
    by_cells = np.argsort(counts, kind="stable")
    extreme = np.argsort(-np.abs(problem.groups(at.mode - problem.means, f)[:, 0]), kind="stable")
    return by_cells[:CHECKED], extreme[:CHECKED], by_cells[::-1][:CHECKED]


def _column(block: InnerBlock, a: int, j: int, cells: Integers) -> tuple[int, Floats]:
    """The predictor that number a of group j is added to, and what it is multiplied by in some cells."""
    uses = [use for use in block.uses if use.coordinate == a]
    shares = [np.where(use.groups[cells] == j, use.column[cells], 0.0) for use in uses]
    return uses[0].predictor, np.asarray(np.sum(shares, axis=0))


def _name(problem: InnerProblem, block: InnerBlock, j: int) -> tuple[str, str]:
    effects = problem.spec.parameters.effects[block.terms[0]]
    return effects.coefficients[0].name, str(effects.labels[j])


def _compare(
    problem: InnerProblem, at: Conditional, f: int, j: int, a: int, cells: Integers
) -> tuple[float, float, float]:
    """Acceptance, shift of the mean and ratio of the sds of one effect given everything else."""
    block, precision = problem.blocks[f], at.given.precisions[f]
    likelihood = problem.likelihood.part(cells)
    (p, x), eta = _column(block, a, j, cells), at.eta[:, cells]
    alone = precision[a, a] * (1.0 if block.between is None else block.between[j, j])
    curvature = likelihood.weights(eta, likelihood.evaluate(eta)[2])[p, p]
    variance = 1.0 / (float(x**2 @ curvature) + alone)
    sd = np.sqrt(variance)
    centre = 0.0
    if len(problem.latent) == 1:
        centre = -0.5 * variance**2 * float(x**3 @ likelihood.weight_slopes(eta)[0])
    moves = centre + sd * GRID
    off = problem.groups(at.mode - problem.means, f)
    pull = float(prior_pull(block, off, precision)[j, a])
    exact = -pull * moves - 0.5 * alone * moves**2
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
