"""What the outer parameters say about the inner ones: normal priors of effects and of coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.constraints.real import Real
from partialpool.inference.laplace.inner_blocks import InnerBlock
from partialpool.model.effects import Effects
from partialpool.model.geometry import plain_geometry
from partialpool.model.outer import OuterParameters
from partialpool.model.spec import ModelSpec
from partialpool.priors.base import AtMeans, unwrapped
from partialpool.priors.normal import Normal

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LOG_TWO_PI = float(np.log(2.0 * np.pi))


@dataclass(frozen=True)
class Given:
    """The model given one point of the outer parameters.

    Attributes
    ----------
    values
        (n_values,) a draw without inner coefficients and effects.
    coefficients
        (K,) as predictors use them, zero where inner.
    log_prior
        Log prior of the outer parameters, Jacobian included, and the normalising constants of the inner
        ones' priors, as far as the model's density keeps them.
    precisions
        For each block the (d, d) prior precision of a group's numbers.
    target
        (K inner,) prior means of `CoefficientPrior.rows` @ inner coefficients.
    """

    values: Floats
    coefficients: Floats
    log_prior: float
    precisions: tuple[Floats, ...]
    target: Floats


@dataclass(frozen=True)
class CoefficientPrior:
    """Normal prior of the inner coefficients: independent normals of linear combinations of them.

    A prior that holds at the predictors' means is one of the combination intercept + sum of mean x slope.

    Attributes
    ----------
    rows
        (K inner, K) the combinations of all coefficients.
    inner
        (K,) which are inner.
    means, weights
        (K inner,) and inverse variances, 0 for flat priors.
    """

    rows: Floats
    inner: NDArray[np.bool_]
    means: Floats
    weights: Floats

    @property
    def precision(self) -> Floats:
        """(K inner, K inner)."""
        own = self.rows[:, self.inner]
        return own.T @ (self.weights[:, None] * own)

    def target(self, coefficients: Floats) -> Floats:
        """Means less what the outer coefficients add to the combinations."""
        return self.means - self.rows[:, ~self.inner] @ coefficients[~self.inner]

    def quadratic(self, inner: Floats, target: Floats) -> float:
        """-1/2 of the weighted squares of (K inner,) coefficients' deviations."""
        off = self.rows[:, self.inner] @ inner - target
        return -0.5 * float(np.sum(self.weights * off**2))

    def gradient(self, inner: Floats, target: Floats) -> Floats:
        """Its derivative by the inner coefficients."""
        own = self.rows[:, self.inner]
        return -(self.weights * (own @ inner - target)) @ own

    @property
    def log_constant(self) -> float:
        """Of the densities that are not flat."""
        weights = self.weights[self.weights > 0]
        return 0.5 * float(np.sum(np.log(weights)) - len(weights) * LOG_TWO_PI)


def coefficient_prior(
    spec: ModelSpec, parameters: OuterParameters, inner: NDArray[np.bool_]
) -> CoefficientPrior:
    """The prior of the inner coefficients."""
    coefficients, inputs = spec.parameters.coefficients, parameters.inputs
    rows = np.eye(len(coefficients))
    at_means = [k for k, c in enumerate(coefficients) if isinstance(c.prior, AtMeans)]
    rows[at_means] = inputs.anchor_weights
    priors = [unwrapped(c.prior) for c, chosen in zip(coefficients, inner, strict=True) if chosen]
    means = [p.mean if isinstance(p, Normal) else 0.0 for p in priors]
    weights = [p.scale**-2 if isinstance(p, Normal) else 0.0 for p in priors]
    return CoefficientPrior(rows[inner], inner, np.array(means, float), np.array(weights, float))


class OuterPoint:
    """Turns a point of the outer parameters into what it says about the inner ones.

    Parameters
    ----------
    spec
        The model.
    inner
        (K,) which coefficients are inner.
    blocks
        The inner parameters; the coefficients, if any, last.

    Attributes
    ----------
    positions
        (Q,) where the outer parameters are in the vector of `OuterParameters`.
    least
        For each term (d,) sds that stand for smaller ones, which would leave no digits for what the data say.
    """

    def __init__(self, spec: ModelSpec, inner: NDArray[np.bool_], blocks: tuple[InnerBlock, ...]) -> None:
        self.spec, self.inner = spec, inner
        self.parameters = OuterParameters(spec, plain_geometry(spec))
        self.prior = coefficient_prior(spec, self.parameters, inner)
        self.coefficient_precision = self.prior.precision
        self.blocks = blocks
        outer = np.ones(self.parameters.n_dim, bool)
        outer[: len(inner)] = ~inner
        self.positions = np.flatnonzero(outer)
        self.at_means = np.zeros(self.parameters.n_dim)
        self.at_means[: len(inner)][inner] = np.linalg.solve(self.prior.rows[:, inner], self.prior.means)
        coefficients = spec.parameters.coefficients
        self.value_of = np.array([c.value for c in coefficients], np.int64)
        scales = {c.scale for c in coefficients if not isinstance(c.scale, Real)}
        self.on_scale = [(s, np.array([c.scale == s for c in coefficients], bool)) for s in scales]
        self.least: tuple[Floats, ...] = tuple(np.zeros(effects.width) for effects in spec.parameters.effects)

    def means(self) -> list[Floats]:
        """For each block the (d,) prior means of a group's numbers; those of coefficients are not used."""
        return [_means(self.spec, block) for block in self.blocks]

    def __call__(self, x: Floats) -> Given:
        """Given (Q,) outer parameters.

        Raises
        ------
        numpy.linalg.LinAlgError
            When a covariance of effects is singular.
        """
        whole = self.at_means.copy()
        whole[self.positions] = x
        log_prior, _ = self.parameters.log_prior(whole)
        values = self.parameters.draw(whole)
        coefficients = values[self.value_of]
        for scale, own in self.on_scale:
            coefficients[own] = scale.free(coefficients[own])
        coefficients[self.inner] = 0.0
        target = self.prior.target(coefficients)
        # The parameters' prior has the inner coefficients' at their means: taken out here.
        start = self.at_means[: len(self.inner)][self.inner]
        log_prior -= self.prior.quadratic(start, target)
        precisions = []
        for block in self.blocks:
            if not block.terms:
                precisions.append(self.coefficient_precision)
                continue
            precision, log_scale = self._effects(block, values)
            precisions.append(precision)
            log_prior -= block.size * log_scale
            if block.between is not None:
                log_prior += 0.5 * block.width * float(np.linalg.slogdet(block.between)[1])
        return Given(values, coefficients, log_prior, tuple(precisions), target)

    def _effects(self, block: InnerBlock, values: Floats) -> tuple[Floats, float]:
        """(d, d) prior precision of a group's effects, and minus the log of its normalising constant."""
        precision, log_scale, at = np.zeros((block.width, block.width)), 0.0, 0
        for t in block.terms:
            effects = self.spec.parameters.effects[t]
            factor = np.linalg.cholesky(_covariance(effects, values, self.least[t]))
            d, inverse = len(factor), np.linalg.inv(factor)
            precision[at : at + d, at : at + d] = inverse.T @ inverse
            log_scale += float(np.sum(np.log(np.diag(factor))))
            if effects.fixed:
                # The density keeps the constant of a fixed prior, and not that of its coordinates' scale.
                log_scale += 0.5 * LOG_TWO_PI + float(np.log(effects.coefficients[0].fixed_sd))
            at += d
        return precision, log_scale


def _covariance(effects: Effects, values: Floats, least: Floats) -> Floats:
    """(d, d) of a group's effects, from the values of a draw; (d,) the least sds.

    A covariance that is almost singular, by small sds or correlations near 1, leaves no digits for what the
    data say. Where effects are correlated, independent ones with the least sds are added, which keeps it
    regular.
    """
    sds = effects.sds(values)
    if effects.corr is None:
        return np.diag(np.maximum(sds, least) ** 2)
    return effects.correlations(values) * np.outer(sds, sds) + np.diag(least**2)


def _means(spec: ModelSpec, block: InnerBlock) -> Floats:
    return np.array([c.prior_mean for t in block.terms for c in spec.parameters.effects[t].coefficients])
