"""The inner problem: the normal approximation of effects and coefficients given the outer parameters.

For h(v), the log density of data, inner and outer parameters, it is taken at the mode v*: normal with
precision H = -h''(v*), and  log p(data, outer) = h(v*) - log|H| / 2 + dim log(2 pi) / 2  (Tierney & Kadane
1986). Where h is quadratic, as for gaussian outcomes, both are exact and one step finds the mode.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FitError, build
from partialpool.formula.nesting import outer_groups
from partialpool.inference.laplace.cell_likelihood import CellLikelihood
from partialpool.inference.laplace.cross_products import SparsePattern, Sums, SumsPattern
from partialpool.inference.laplace.factor import BlockFactor, factorise
from partialpool.inference.laplace.given import LOG_TWO_PI, Given, OuterPoint
from partialpool.inference.laplace.inner_blocks import (
    InnerBlock,
    coefficient_block,
    coefficient_predictors,
    effect_blocks,
    inner_coefficients,
    is_exact,
    latent_predictors,
)
from partialpool.inference.laplace.predictors import InnerPredictors
from partialpool.model.spec import ModelSpec

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MAX_REST = 6_000  # numbers left for the dense Cholesky factor: 300 MB, a few seconds
MAX_STEPS = 60
DECREMENT = 1e-11  # of h by a Newton step: log |H| changes with its square root
# One step is exact but for rounding, of which a longer one leaves too much: another step then removes it.
EXACT_DECREMENT = 1e4


@dataclass(frozen=True)
class Conditional:
    """The inner parameters given the outer ones.

    Attributes
    ----------
    given
        The outer ones.
    mode
        (dim,).
    eta
        (P, n) linear predictors at the mode.
    factor
        Of the precision there.
    log_density
        Log of p(data, outer parameters).
    """

    given: Given
    mode: Floats
    eta: Floats
    factor: BlockFactor
    log_density: float


@dataclass(frozen=True)
class Local:
    """The log likelihood around a point: value, (dim,) gradient, and curvature scale x sums."""

    value: float
    gradient: Floats
    sums: Sums
    scale: float


class InnerProblem:
    """A model's inner parameters, their structure, and their normal approximation.

    Attributes
    ----------
    blocks
        Eliminated blocks first, coefficients last.
    exact
        Whether the normal approximation is exact.
    starts
        Position of each block's first number in the vector of inner parameters.
    predictors
        The linear predictors as a function of inner parameters and outer coefficients, with its adjoint.
    parent
        By (e, g), the group of eliminated block g that each group of eliminated block e lies in.

    Raises
    ------
    FitError
        When crossed factors leave more than a dense matrix can hold.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.spec, self.latent = spec, latent_predictors(spec)
        self.inner = inner_coefficients(spec)
        effects = effect_blocks(spec)
        eliminated, crossed, self.parent = elimination_order(effects)
        self.blocks = (*eliminated, *crossed, coefficient_block(spec, self.inner))
        self.exact = is_exact(spec)
        self.starts = np.cumsum([0, *(b.size * b.width for b in self.blocks)])
        self._check_size(len(eliminated))
        self.outer = OuterPoint(spec, self.inner, self.blocks)
        self.means = self._stacked(self.outer.means())
        self.between = [block.between for block in self.blocks]
        nested = all(block.one_group for block in self.blocks)
        self.pattern = SumsPattern(self.blocks, len(eliminated)) if nested else SparsePattern(self.blocks)
        self.likelihood = CellLikelihood(spec, self.latent)
        self.predictors = InnerPredictors(spec, self.blocks, self.inner)
        self.reference: tuple[Floats, Floats, Local] | None = None
        self.scaled = self.exact and self._one_factor()

    @property
    def dim(self) -> int:
        """Number of inner parameters."""
        return int(self.starts[-1])

    def _check_size(self, n_eliminated: int) -> None:
        rest = int(self.starts[-1] - self.starts[n_eliminated])
        if rest <= MAX_REST:
            return
        sizes = ", ".join(f"{b.name} ({b.size:,} groups of {b.width})" for b in self.blocks if b.terms)
        raise build(
            FitError,
            f"The factors {sizes} are crossed: without the largest they leave a dense matrix of {rest:,} "
            f"rows, and method='laplace' takes at most {MAX_REST:,}.",
            hint="method='nuts'",
        )

    def _one_factor(self) -> bool:
        """Whether outer parameters change the curvature by one factor only, and the mean not at all."""
        one_number = all(part.predictor is None for part in self.spec.parameters.predictors[1:])
        mean_is_inner = bool(np.all(self.inner[coefficient_predictors(self.spec) == 0]))
        return self.spec.family.curvature_scales and one_number and mean_is_inner

    def curvature_factor(self, eta: Floats, before: Floats) -> float:
        """By what (P, n) predictors multiply the curvature at others, where that is the same in all cells."""
        return self.spec.family.curvature_factor(eta[:, 0] - before[:, 0])

    def _stacked(self, means: list[Floats]) -> Floats:
        parts = [
            np.tile(m, b.size) if b.terms else np.zeros(b.width)
            for m, b in zip(means, self.blocks, strict=True)
        ]
        return np.concatenate(parts)

    def groups(self, v: Floats, f: int) -> Floats:
        """(J, d) view of block f's part of (dim,) inner parameters."""
        return v[self.starts[f] : self.starts[f + 1]].reshape(self.blocks[f].size, self.blocks[f].width)

    # --- the log density of everything ----------------------------------------------------------------------

    def log_prior(self, v: Floats, given: Given) -> tuple[float, Floats]:
        """Log prior of everything, and its (dim,) derivative by the inner parameters."""
        total, slope = given.log_prior, np.empty_like(v)
        off = v - self.means
        for f, (block, precision) in enumerate(zip(self.blocks, given.precisions, strict=True)):
            own = self.groups(off, f)
            if block.terms:
                pull = prior_pull(block, own, precision)
                total -= 0.5 * float(np.sum(pull * own))
                self.groups(slope, f)[:] = -pull
            else:
                total += self.outer.prior.quadratic(own[0], given.target)
                self.groups(slope, f)[0] = self.outer.prior.gradient(own[0], given.target)
        return total, slope

    def local(self, v: Floats, given: Given, safe: bool = False) -> tuple[Floats, Local]:
        """Predictors at inner parameters, and the log likelihood around them."""
        if self.reference is not None and self.reference[0] is v:
            return self._rescaled(given)
        eta = self.predictors(v, given.coefficients)
        value, first, second = self.likelihood.evaluate(eta)
        weights = self.likelihood.safe_weights(second) if safe else self.likelihood.weights(eta, second)
        return eta, Local(value, self.predictors.gather(first), self.pattern.fill(weights), 1.0)

    def _rescaled(self, given: Given) -> tuple[Floats, Local]:
        """Around the reference, where other parameters have changed: one factor for all but the value."""
        assert self.reference is not None
        _, eta, at = self.reference
        of = coefficient_predictors(self.spec)
        moved = eta.copy()
        for p in range(1, len(eta)):
            moved[p] = given.coefficients[of == p]
        value, _, _ = self.likelihood.evaluate(moved)
        scale = self.curvature_factor(moved, eta)
        return moved, Local(value, scale * at.gradient, at.sums, scale)

    def refer(self, v: Floats, given: Given) -> None:
        """Keep sums at a point, from which one step leads to any mode of a quadratic log density."""
        self.reference = None
        eta, local = self.local(v, given)
        self.likelihood.inspect(eta)
        if self.scaled:
            self.reference = (v, eta, local)

    # --- the mode -------------------------------------------------------------------------------------------

    def condition(self, given: Given, start: Floats) -> Conditional:
        """The normal approximation given outer parameters; Newton steps from `start`.

        Raises
        ------
        FitError
            When no positive definite curvature is found.
        """
        v, safe = start, False
        _, local = self.local(v, given)
        prior, slope = self.log_prior(v, given)
        for _ in range(MAX_STEPS):
            factor = self._factor(local, given)
            if factor is None:
                if safe:
                    raise _indefinite()
                safe = True
                _, local = self.local(v, given, safe=True)
                continue
            gradient = local.gradient + slope
            step = factor.solve(gradient)
            decrement = float(gradient @ step)
            if decrement < (EXACT_DECREMENT if self.exact else DECREMENT):
                height = local.value + prior + 0.5 * decrement
                log_density = height - 0.5 * factor.log_det + 0.5 * self.dim * LOG_TWO_PI
                mode = v + step
                return Conditional(
                    given, mode, self.predictors(mode, given.coefficients), factor, log_density
                )
            moved = v + step if self.exact else self._move(v, step, given, local.value + prior, decrement)
            v, safe = moved, False
            _, local = self.local(v, given)
            prior, slope = self.log_prior(v, given)
        raise build(
            FitError,
            f"The mode of the group effects was not reached in {MAX_STEPS} Newton steps.",
            hint="method='nuts'",
        )

    def _factor(self, local: Local, given: Given) -> BlockFactor | None:
        try:
            return factorise(local.sums, local.scale, given.precisions, self.between)
        except np.linalg.LinAlgError:
            return None

    def _move(self, v: Floats, step: Floats, given: Given, before: float, decrement: float) -> Floats:
        """Take the step, halved until h rises by a share of what its slope promises."""
        fraction = 1.0
        for _ in range(40):
            moved = v + fraction * step
            value, _, _ = self.likelihood.evaluate(self.predictors(moved, given.coefficients))
            after = value + self.log_prior(moved, given)[0]
            if after >= before + 1e-4 * fraction * decrement:
                return moved
            fraction *= 0.5
        return v + fraction * step


def elimination_order(
    effects: list[InnerBlock],
) -> tuple[list[InnerBlock], list[InnerBlock], dict[tuple[int, int], Integers]]:
    """Split blocks into those that are eliminated, in order, and those that are left.

    The first whose groups are independent is eliminated, and after it each block that all eliminated ones lie
    in: their elimination leaves it block diagonal. Where rows belong to several groups nothing is eliminated.

    Returns
    -------
    The eliminated, the others, and by (e, g) the group of g that each group of e lies in.
    """
    eliminated: list[InnerBlock] = []
    left: list[InnerBlock] = []
    parent: dict[tuple[int, int], Integers] = {}
    if not all(block.one_group for block in effects):
        return [], effects, parent
    for block in effects:
        if not block.separable:
            left.append(block)
            continue
        found = [outer_groups(inner.groups, inner.size, block.groups) for inner in eliminated]
        around = {(e, len(eliminated)): np.maximum(at, 0) for e, at in enumerate(found) if at is not None}
        if len(around) == len(eliminated):  # a group without rows may follow any
            parent |= around
            eliminated.append(block)
        else:
            left.append(block)
    return eliminated, left, parent


def prior_pull(block: InnerBlock, off: Floats, precision: Floats) -> Floats:
    """(J, d) prior precision times deviations of a block's numbers, (d, d) that of a group alone."""
    pull = off @ precision
    return pull if block.between is None else np.asarray(block.between @ pull)


def _indefinite() -> FitError:
    return build(
        FitError,
        "The log density of the group effects is not concave at its mode: it has no normal approximation.",
        hint="method='nuts'",
    )
