"""Everything with a constraint, once: blocks of free numbers that become values of a draw, with their priors.

The blocks of the population-level coefficients come first, then for each block of group effects those of its
sds and of its correlations. Values stand in the order of the blocks; so do free numbers, which are the first
coordinates of the sampler.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby

from partialpool.constraints.base import Constraint
from partialpool.constraints.correlation import Correlation
from partialpool.constraints.positive import Positive
from partialpool.model.effects import Effects
from partialpool.model.parameters import Coefficient, Parameters
from partialpool.priors.base import AtMeans, Prior

NOT_DRAWN = -1  # in place of a position in a draw


@dataclass(frozen=True)
class ParameterBlock:
    """Values that one constraint makes of free numbers.

    Attributes
    ----------
    constraint
        The map.
    places
        Of each value the position in a draw, or -1.
    priors
        Of each value its prior; None where the constraint has one, or a combination of values has.
    """

    constraint: Constraint
    places: tuple[int, ...]
    priors: tuple[Prior | None, ...]

    @property
    def n_values(self) -> int:
        """How many values it makes."""
        return len(self.places)

    @property
    def n_free(self) -> int:
        """Of how many free numbers."""
        return self.constraint.n_free(self.n_values)


@dataclass(frozen=True)
class ParameterBlocks:
    """All blocks of a model.

    Attributes
    ----------
    blocks
        In order.
    correlations
        For each block of group effects the parameter block of its correlations, or None.
    """

    blocks: tuple[ParameterBlock, ...]
    correlations: tuple[int | None, ...]

    @cached_property
    def free_start(self) -> list[int]:
        """(B + 1,) where each block's free numbers start."""
        return [0, *accumulate(block.n_free for block in self.blocks)]

    @cached_property
    def value_start(self) -> list[int]:
        """(B + 1,) where each block's values start."""
        return [0, *accumulate(block.n_values for block in self.blocks)]

    @property
    def n_free(self) -> int:
        """F."""
        return self.free_start[-1]

    @cached_property
    def value_of_place(self) -> dict[int, int]:
        """The value that stands at a position in a draw."""
        places = (place for block in self.blocks for place in block.places)
        return {place: value for value, place in enumerate(places) if place != NOT_DRAWN}

    @cached_property
    def free_of_place(self) -> dict[int, int]:
        """The free number of the value at a position in a draw, where the constraint is elementwise."""
        return {
            place: self.free_start[b] + i
            for b, block in enumerate(self.blocks)
            if block.constraint.elementwise
            for i, place in enumerate(block.places)
            if place != NOT_DRAWN
        }


def parameter_blocks(parameters: Parameters) -> ParameterBlocks:
    """Put coefficients, sds and correlations into blocks."""
    blocks, correlations = list(_alike(_coefficients(parameters.coefficients))), []
    for effects in parameters.effects:
        blocks += _alike(_sds(effects))
        correlations.append(len(blocks) if effects.corr is not None else None)
        if effects.corr is not None:
            size = effects.width**2
            kind = Correlation(effects.corr.eta, effects.width)
            blocks.append(ParameterBlock(kind, (NOT_DRAWN,) * size, (None,) * size))
    return ParameterBlocks(tuple(blocks), tuple(correlations))


One = tuple[Constraint, int, Prior | None]


def _coefficients(coefficients: Sequence[Coefficient]) -> Iterator[One]:
    for c in coefficients:
        yield c.constraint, c.value, None if isinstance(c.prior, AtMeans) else c.prior


def _sds(effects: Effects) -> Iterator[One]:
    """The learnt sds, each once however many coordinates share it."""
    seen = set()
    for c in effects.coefficients:
        if isinstance(c.sd, Prior) and c.sd_value not in seen:
            seen.add(c.sd_value)
            yield c.sd.constraint(Positive()), c.sd_value, c.sd


def _alike(found: Iterable[One]) -> Iterator[ParameterBlock]:
    """Neighbours with the same constraint are one block."""
    for constraint, group in groupby(found, key=lambda one: one[0]):
        own = list(group)
        yield ParameterBlock(constraint, tuple(p for _, p, _ in own), tuple(prior for _, _, prior in own))
