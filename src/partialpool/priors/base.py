"""What a prior is: a frozen record with a density, a derivative, a draw and a text form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.constraints.base import Constraint
from partialpool.constraints.interval import Interval
from partialpool.constraints.positive import Positive
from partialpool.constraints.real import Real
from partialpool.errors import PriorError, build
from partialpool.kernels.native.family_loops import prior_block

REAL = Real()

Support = Literal["real", "positive", "interval", "correlation"]


@dataclass(frozen=True)
class Prior:
    """Base of all priors.

    A subclass is a frozen dataclass of its parameters. It sets `support` and `kernel`, checks its
    parameters in ``__post_init__``, and defines :meth:`logpdf` and :meth:`sample`.

    Attributes
    ----------
    support
        ``"real"``, ``"positive"``, ``"interval"`` or ``"correlation"``.
    kernel
        ``(x, parameters) -> (log density, derivative by x)``, a scalar function in numba's subset.
    """

    support: ClassVar[Support] = "real"
    kernel: ClassVar[Callable[..., Any] | None] = None

    @property
    def parameters(self) -> tuple[float, ...]:
        """The parameters as numbers, in the order of the fields."""
        return tuple(float(getattr(self, f.name)) for f in fields(self))

    @property
    def scale(self) -> float:
        """A typical distance from its centre; where to start, never part of the density."""
        return 1.0

    @property
    def bounds(self) -> tuple[float, float]:
        """Ends of the support."""
        return (0.0, np.inf) if self.support == "positive" else (-np.inf, np.inf)

    def constraint(self, within: Constraint = REAL) -> Constraint:
        """What keeps a parameter with this prior in its support.

        Parameters
        ----------
        within
            What keeps the parameter in its range whatever the prior says.
        """
        lower = max(self.bounds[0], within.bounds[0])
        upper = min(self.bounds[1], within.bounds[1])
        if np.isfinite(upper):
            return Interval(lower, upper)
        return Positive() if np.isfinite(lower) else Real()

    def centre(self, within: Constraint = REAL) -> float:
        """Where a parameter with this prior may start: the middle of its range where that has two ends."""
        lower, upper = self.constraint(within).bounds
        if np.isfinite(upper):
            return 0.5 * (lower + upper)
        return self.scale if np.isfinite(lower) else float(getattr(self, "mean", 0.0))

    def logpdf(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density at x, elementwise; -inf outside the support."""
        raise PriorError(f"{self} has no density of a single number.")

    def sample(self, rng: np.random.Generator, size: int | tuple[int, ...] = ()) -> NDArray[np.float64]:
        """Draw from the prior."""
        raise PriorError(f"{self} has no draw of a single number.")

    @property
    def address(self) -> int:
        """Address of the compiled block of `kernel`; compiles it on first use."""
        kernel = type(self).kernel
        assert kernel is not None, "every univariate prior has a kernel"
        return int(prior_block(kernel).address)

    @property
    def stan(self) -> str:
        """The distribution in Stan's words, ``normal(0, 1.5)``; empty for a flat prior."""
        raise PriorError(f"{self} has no Stan form of a single number.")

    def __str__(self) -> str:
        inside = ", ".join(_text(getattr(self, f.name)) for f in fields(self))
        return f"{type(self).__name__}({inside})"


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def number(value: float) -> str:
    """A parameter in Stan's notation, with all its digits."""
    return repr(float(value)).removesuffix(".0")


def require_finite(prior: str, name: str, value: object) -> None:
    """Raise unless a parameter is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not np.isfinite(value):
        raise build(
            PriorError, f"{prior}: {name} is {value!r}, which is not a finite number.", allowed="a number"
        )


def require_positive(prior: str, name: str, value: object) -> None:
    """Raise unless a parameter is a finite number above zero."""
    require_finite(prior, name, value)
    if not value > 0:  # type: ignore[operator]
        raise build(PriorError, f"{prior}: {name} is {value!r}.", allowed=f"{name} > 0")


@dataclass(frozen=True)
class AtMeans(Prior):
    """A prior of the intercept that holds where every predictor is at its mean.

    Shifting a predictor moves the intercept but not what this prior says about the outcome, so
    fits do not depend on where predictors have their zero.

    Parameters
    ----------
    prior
        The prior of intercept + sum over predictors of (mean of predictor) x coefficient.

    Examples
    --------
    >>> from partialpool.priors.normal import Normal
    >>> print(AtMeans(Normal(0, 2.5)))
    AtMeans(Normal(0, 2.5))
    """

    prior: Prior

    def constraint(self, within: Constraint = REAL) -> Constraint:
        """That of the prior inside."""
        return self.prior.constraint(within)

    def __post_init__(self) -> None:
        if (
            not isinstance(self.prior, Prior)
            or self.prior.support != "real"
            or isinstance(self.prior, AtMeans)
            or getattr(self.prior, "hierarchical", False)
        ):
            raise build(
                PriorError,
                f"AtMeans is given {self.prior!s}, which is not a prior over all real numbers.",
                allowed="Normal, StudentT, Cauchy or Flat, with numbers inside",
            )


def unwrapped(prior: Prior) -> Prior:
    """The distribution itself, wherever it holds."""
    return prior.prior if isinstance(prior, AtMeans) else prior
