"""All kinds of constraints."""

from __future__ import annotations

from partialpool.constraints.base import Constraint
from partialpool.constraints.correlation import Correlation
from partialpool.constraints.interval import Interval
from partialpool.constraints.ordered import Ordered
from partialpool.constraints.positive import Positive
from partialpool.constraints.real import Real
from partialpool.constraints.simplex import Simplex

CONSTRAINTS: tuple[type[Constraint], ...] = (Real, Positive, Interval, Ordered, Simplex, Correlation)
