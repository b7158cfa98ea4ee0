"""Short sentences about data, models and draws, the same on every page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from partialpool.families.base import Family
from partialpool.families.support import row_weights
from partialpool.formula.group_records import Grouping
from partialpool.formula.outcome import name_of_outcome
from partialpool.formula.records import Design, GroupTerm, Outcome, Predictor
from partialpool.inference.draws import Draws
from partialpool.inference.prior import METHOD as PRIOR
from partialpool.model.parameters import Parameters
from partialpool.pooling.group_outcomes import known_outcome
from partialpool.pooling.pooling_words import count, number
from partialpool.report.html_tables import minus
from partialpool.report.protocols import ModelLike

_SHOWN = 8  # categories


def about_data(design: Design) -> list[str]:
    """Say how many rows and groups a model has.

    Returns
    -------
    One line for the rows, then one for each grouping factor.
    """
    dropped = f" ({design.n_dropped:,} with missing values left out)" if design.n_dropped else ""
    return [f"{design.n_rows:,} rows{dropped}", *(about_groups(g) for g in design.groupings.values())]


def about_groups(grouping: Grouping) -> str:
    """Say how many groups a factor has, and of what sizes where the rows are there."""
    n_groups, groups = len(grouping.labels), f"{len(grouping.labels):,} groups of {grouping.name}"
    groups += f", of which each row has {len(grouping.members)}" if grouping.members else ""
    rows, own = grouping.pairs()
    if not len(rows):
        return groups
    sizes = np.bincount(own, minlength=n_groups)
    smallest, largest = sizes.min(), sizes.max()
    if smallest == largest:
        return f"{groups}, of {smallest:,} row{'' if smallest == 1 else 's'} each"
    return f"{groups}, of {smallest:,} to {largest:,} rows (median {np.median(sizes):g})"


def about_draws(draws: Draws) -> str:
    """Write the number of draws, the method and the seed."""
    n_chains, n_draws, _ = draws.values.shape
    if draws.independent:
        origin = "from the prior" if draws.method == PRIOR else "by nested Laplace"
        return f"{n_chains * n_draws:,} independent draws {origin}, seed {draws.seed}"
    chains = "1 chain" if n_chains == 1 else f"{n_chains} chains"
    return f"{chains} of {n_draws:,} draws after {draws.warmup:,} of warm-up, seed {draws.seed}"


def drawn_from(draws: Draws) -> str:
    """Name the distribution that draws are from: the posterior or the prior."""
    return PRIOR if draws.method == PRIOR else "posterior"


def about_time(draws: Draws) -> str:
    """Say how long the sampling took."""
    return f"{draws.seconds:.2f} s"


def about_outcome(model: ModelLike) -> str:
    """Say what the outcome is and what its values are."""
    outcome = known_outcome(model.design)
    values = outcome.values
    if model.family.categories:
        return f"{outcome.name}: {_categories(model.family, outcome)}"
    if outcome.levels is not None:
        first, second = outcome.levels
        return f"{outcome.name}: {first} (0) or {second} (1), {count(values.sum(), second, second)}"
    text = f"{outcome.name}: {minus(f'{values.min():,.6g}')} to {minus(f'{values.max():,.6g}')}"
    if outcome.trials is not None:
        text += f", of {outcome.trials.min():,g} to {outcome.trials.max():,g} trials a row"
    if outcome.weights is not None:
        text += f"; rows are counted by weights, {outcome.weights.sum():,.6g} in all"
    weights = model.family.unit_weights(outcome)
    raw = np.average(np.where(weights > 0, model.family.unit_outcome(outcome), 0.0), weights=weights)
    return f"{text}; raw {model.family.mean_word} {number(float(raw), 3)}"


def _categories(family: Family, outcome: Outcome) -> str:
    """Say which categories there are, and how many rows of each."""
    names, weights = family.categories, row_weights(outcome)
    counts = np.bincount(family.tallied(outcome.values).astype(np.int64), weights, len(names))
    shown = [f"{name} ({n:,.6g})" for name, n in zip(names[:_SHOWN], counts, strict=False)]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} categories: {', '.join(shown)}{more}"


def model_in_words(model: ModelLike) -> list[str]:
    """Describe the model: one sentence for the outcome and one for each part of its predictors."""
    family, design = model.family, model.design
    name = outcome_name(model)
    sentences = [f"Each row's {name} has a {family.name.replace('_', ' ').title()} distribution."]
    for parameter, predictor in design.predictors.items():
        subject = family.subject(parameter)
        sentences.append(f"{subject[0].upper()}{subject[1:]} is a sum of {_population(predictor)}.")
        sentences += [_varying(term, parameter, model.spec.parameters) for term in predictor.groups]
    return sentences


def outcome_name(model: ModelLike) -> str:
    """Name the outcome."""
    return name_of_outcome(model.family, known_outcome(model.design))


def question_of_groups(model: ModelLike, group: str, coefficient: str) -> str:
    """The default question of a comparison of poolings."""
    n_groups = len(model.design.groupings[group].labels)
    what = f"the {model.family.mean_word} of {outcome_name(model)}"
    subject = f"does {what}" if coefficient == "1" else f"does what {coefficient} adds to {what}"
    return f"How much {subject} differ between {n_groups:,} groups of {group}?"


def question_of_fit(model: ModelLike) -> str:
    """The default question of a single model."""
    mu = model.design.main
    what = f"the {model.family.mean_word} of {outcome_name(model)}"
    terms = [term.name for term in mu.population.terms if term.name != "Intercept"]
    factors = list(dict.fromkeys(term.grouping.name for term in mu.groups))
    between = f"differ between groups of {listed(factors)}"
    if terms and factors:
        return f"How does {what} depend on {listed(terms)}, and how does it {between}?"
    if factors:
        return f"How much does {what} {between}?"
    return f"How does {what} depend on {listed(terms)}?" if terms else f"What is {what}?"


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _population(predictor: Predictor) -> str:
    parts = []
    names = [term.name for term in predictor.population.terms]
    if "Intercept" in names:
        parts.append("an intercept")
    slopes = [name for name in names if name != "Intercept"]
    if slopes:
        parts.append(f"{'a coefficient' if len(slopes) == 1 else 'coefficients'} of {listed(slopes)}")
    if predictor.groups:
        parts.append("what varies by group")
    if predictor.offset is not None:
        parts.append("an offset")
    return listed(parts) or "nothing: it is zero"


def _varying(term: GroupTerm, parameter: str, parameters: Parameters) -> str:
    """Describe what varies by group, and whether its sd is estimated."""
    own = ["intercept" if name == "1" else f"coefficient of {name}" for name in term.names]
    text = (
        f"Each of the {len(term.grouping.labels):,} groups of {term.grouping.name} has its own {listed(own)}"
    )
    if term.shared:
        text += f", correlated with all effects of terms called {term.shared}"
    elif term.correlated:
        text += ", which are correlated"
    related = (
        "" if term.covariance is None else f"; groups are related by {term.covariance.name}, which is known"
    )
    if any(effects.learnt.any() for effects, _ in parameters.blocks[parameter, term.key]):
        learnt = "how far groups are spread is learnt from the data, so groups share information"
        return f"{text}{related}; {learnt}."
    if related:
        return f"{text}, with a fixed spread{related}, so groups share information."
    return f"{text}, with a fixed prior: what is learnt of one group says nothing of another."
