"""A request at some rows: linear predictors with the effects of known and of new groups, means, outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.families.support import Additions
from partialpool.formula.design_rows import take_rows
from partialpool.formula.group_records import Grouping, Membership
from partialpool.formula.records import Design, GroupTerm, Predictor
from partialpool.predict.asked import Asked
from partialpool.predict.linear import linear_predictors
from partialpool.predict.members import Members, chosen_groups
from partialpool.predict.outcomes import draw_outcomes, standard_normals
from partialpool.predict.populations import GroupPopulation, Populations
from partialpool.predict.relatives import Relatives
from partialpool.predict.streams import Streams
from partialpool.results.fitted import Fitted

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

N_POINTS = 128  # over which several predictors are averaged


@dataclass(frozen=True)
class Rows:
    """Rows to predict for.

    Attributes
    ----------
    design
        With the terms that count.
    groupings
        By name, the groups of the rows, also of the factors around those that count.
    additions
        (n,) columns that belong to outcomes, where these are drawn.
    """

    design: Design
    groupings: Mapping[str, Grouping]
    additions: Additions

    def take(self, rows: Index | slice) -> Rows:
        """Take some of them."""
        return Rows(
            take_rows(self.design, rows),
            {name: grouping.take(rows) for name, grouping in self.groupings.items()},
            {name: column[rows] for name, column in self.additions.items()},
        )


@dataclass(frozen=True)
class Evaluator:
    """What was asked of which fit.

    Attributes
    ----------
    populations
        Of every group-level term.
    members
        By factor, the observed groups.
    """

    fitted: Fitted
    asked: Asked
    populations: Populations
    members: Members

    @property
    def axis(self) -> tuple[str, ...]:
        """Labels of the last axis of `values`, which categories have; empty where there is none."""
        family = self.fitted.model.family
        if self.asked.kind == "mean":
            return family.categories
        several = self.asked.kind == "linear" and len(family.mains) > 1
        return family.categories[1:] if several else ()

    def values(self, rows: Rows) -> Floats:
        """Compute the mean of one unit, or the linear predictor of the mean, (S, n).

        Of categories their probabilities or predictors, (S, n, C): see `axis`.
        """
        linear, family = self._linear(rows), self.fitted.model.family
        if self.asked.kind == "linear":
            mains = [linear[parameter] for parameter in family.mains]
            return np.stack(mains, axis=-1) if len(mains) > 1 else mains[0]
        if not self.asked.average:
            return family.mean(linear)
        if len(family.mains) > 1:
            return self._average(linear, rows)
        variance = self._variance(family.main, rows)
        return family.mean(linear) if variance is None else family.average(linear, np.sqrt(variance))

    def _average(self, linear: dict[str, Floats], rows: Rows) -> Floats:
        """Average the mean over new groups that go into several predictors.

        Over quasi-random normal points, shifted at random for every draw, so that their error does not add up
        over draws.
        """
        model, everything = self.fitted.model, list(self._deviations(rows))
        if not everything:
            return model.family.mean(linear)
        names = list(dict.fromkeys(name for _, name, _ in everything))
        n_draws = len(self.fitted.values)
        shifts = Streams(self.asked.seed, "average").at(0).random((n_draws, len(names)))
        total: Floats | float = 0.0
        for point in _spread_points(len(names)):
            normals = _normal_quantile((point + shifts) % 1.0)
            moved = dict(linear)
            for parameter, name, part in everything:
                moved[parameter] = moved[parameter] + part * normals[:, [names.index(name)]]
            total = total + model.family.mean(moved)
        return np.asarray(total / N_POINTS)

    def _deviations(self, rows: Rows) -> Iterator[tuple[str, str, Floats]]:
        """Yield what new groups add: a parameter, the name of a standard normal, (S, n) its factor."""
        for parameter, predictor in rows.design.predictors.items():
            for term, population in self._populations_of(parameter, predictor):
                for i, (_, matrix) in enumerate(term.shares()):
                    parts = population.parts(population.columns(matrix))
                    for name, part in zip(population.names, parts, strict=True):
                        yield parameter, f"{name} {i}", part

    def outcomes(self, rows: Rows, first_row: int) -> Floats:
        """Draw outcomes, (S, n), of rows that are numbered from `first_row`, where a strip begins."""
        linear, seed = self._linear(rows), self.asked.seed
        if self.asked.average:
            for parameter in rows.design.predictors:
                variance = self._variance(parameter, rows, shared=False)
                if variance is not None:
                    random = standard_normals(variance.shape, seed, f"average {parameter}", first_row)
                    linear[parameter] += np.sqrt(variance) * random
            self._add_shared_averages(linear, rows, first_row)
        return draw_outcomes(self.fitted.model.family, linear, rows.additions, seed, first_row)

    def _linear(self, rows: Rows) -> dict[str, Floats]:
        model, everything = self.fitted.model, slice(0, rows.design.n_rows)
        linear = linear_predictors(model, rows.design, self.fitted.values, everything)
        for name, predictor in rows.design.predictors.items():
            for term in predictor.groups:
                for member, matrix in term.shares() if term.grouping.unseen is not None else ():
                    if self.asked.new_groups == "population":
                        self._add_population(linear[name], predictor, term, member, matrix)
                    elif self.asked.new_groups == "existing":
                        self._add_existing(linear[name], predictor, term, member, matrix, rows)
        return linear

    def _add_population(
        self, eta: Floats, predictor: Predictor, term: GroupTerm, member: Membership, matrix: Floats
    ) -> None:
        """Add effects of new groups drawn from the fitted population, in place.

        A label has the same effects wherever it stands, also in another column of `mm`.
        """
        unseen = term.grouping.unseen
        assert unseen is not None, "called for terms with new groups"
        assert member.unseen is not None, "called for terms with new groups"
        where, groups, own = _new_groups(member.unseen)
        for population in self.populations[predictor.parameter, term.key] if len(where) else ():
            weights = population.columns(matrix[where])
            if population.relatives is not None:
                labels = unseen.labels[groups]
                self._add_relatives(eta, population, population.relatives, labels, weights, where, own)
                continue
            for k in range(len(population.names)):
                drawn = population.draw(k, unseen.hashes[groups], self.asked.seed)
                eta[:, where] += (population.factors[:, :, k] @ weights.T) * drawn[:, own]

    def _add_relatives(
        self,
        eta: Floats,
        population: GroupPopulation,
        relatives: Relatives,
        labels: NDArray[Any],
        weights: Floats,
        where: Index,
        own: Index,
    ) -> None:
        """Add effects of new groups drawn given those of the fitted groups they are related to, in place."""
        at = relatives.positions(labels)
        for weight, places in zip(weights.T, population.places, strict=True):
            expected = self.fitted.values[:, places] @ relatives.weights[at].T
            eta[:, where] += expected[:, own] * weight
        for k in range(len(population.names)):
            # All of them, so that a group's draws do not depend on which others are predicted for.
            drawn = population.draw(k, relatives.hashes, self.asked.seed) @ relatives.factor[at].T
            eta[:, where] += (population.factors[:, :, k] @ weights.T) * drawn[:, own]

    def _add_shared_averages(self, linear: dict[str, Floats], rows: Rows, first_row: int) -> None:
        """Add effects of new groups of each row that go into several linear predictors, in place."""
        for parameter, predictor in rows.design.predictors.items():
            for term, population in self._populations_of(parameter, predictor):
                for i, (_, matrix) in enumerate(term.shares() if population.shared else ()):
                    weights = population.columns(matrix)
                    for name, part in zip(population.names, population.parts(weights), strict=True):
                        # Named by group and effect alone, so that all predictors get the same.
                        key = f"average {name} {i}" if i else f"average {name}"
                        linear[parameter] += part * standard_normals(
                            part.shape, self.asked.seed, key, first_row
                        )

    def _add_existing(
        self,
        eta: Floats,
        predictor: Predictor,
        term: GroupTerm,
        member: Membership,
        matrix: Floats,
        rows: Rows,
    ) -> None:
        """Add effects of observed groups that stand for new ones, in place."""
        values, name = self.fitted.values, term.grouping.name
        assert member.unseen is not None, "called for terms with new groups"
        where, _, own = _new_groups(member.unseen)
        if not len(where):
            return
        first = where[np.unique(own, return_index=True)[1]]
        groupings = {**rows.groupings, name: term.grouping.alone(member)}
        chosen = chosen_groups(self.members, groupings, name, first, len(values), self.asked.seed)
        places = self.fitted.model.parameters.places(predictor.parameter, term)
        for weight, own_places in zip(matrix[where].T, places, strict=True):
            effects = np.take_along_axis(values, own_places[chosen], axis=1)
            eta[:, where] += effects[:, own] * weight

    def _variance(self, parameter: str, rows: Rows, shared: bool = True) -> Floats | None:
        """Compute the variance of a linear predictor between groups, (S, n); None where it has no groups.

        The groups of a row that belongs to several are taken to be different ones. `shared` is False to leave
        out effects that go into other predictors, too.
        """
        found = [
            population.variance(population.columns(matrix))
            for term, population in self._populations_of(parameter, rows.design.predictors[parameter])
            if shared or not population.shared
            for _, matrix in term.shares()
        ]
        return np.sum(found, axis=0) if found else None

    def _populations_of(
        self, parameter: str, predictor: Predictor
    ) -> Iterator[tuple[GroupTerm, GroupPopulation]]:
        """Yield the terms of a linear predictor, each with the populations of its coefficients."""
        for term in predictor.groups:
            for population in self.populations[parameter, term.key]:
                yield term, population


@cache
def _spread_points(dimensions: int) -> Floats:
    """(N_POINTS, dimensions) points that fill the unit cube evenly."""
    from scipy.stats import qmc

    return np.asarray(qmc.Sobol(dimensions, scramble=False).random(N_POINTS), float)


def _normal_quantile(uniform: Floats) -> Floats:
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(uniform, 1e-12, 1.0 - 1e-12)))


def _new_groups(index: Index) -> tuple[Index, Index, Index]:
    """Return the rows of new groups, the distinct new groups, and which of these each of those rows is of."""
    where = np.flatnonzero(index >= 0)
    groups, own = np.unique(index[where], return_inverse=True)
    return where, groups, own
