"""What coefficients and group-level terms write into a Stan program, and what they add to a predictor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby

from partialpool.constraints.positive import Positive
from partialpool.model.effects import Effects, EffectsTerm, GroupCoefficient
from partialpool.model.names import group_name, prefix
from partialpool.model.parameters import Coefficient, PredictorParameters
from partialpool.model.stan_draft import Draft, StanPiece, pieces
from partialpool.model.stan_text import broken, listed
from partialpool.priors.base import AtMeans, Prior, number, unwrapped


def write_auxiliary(draft: Draft, coefficient: Coefficient) -> None:
    """Write a parameter without a formula, under the name that the family's text has for it."""
    name = coefficient.name
    draft.parameters.add(f"real{coefficient.constraint.stan} {name};")
    draft.priors(name, [coefficient.prior])
    draft.names[name] = name


def write_ordered(draft: Draft, name: str, own: Sequence[Coefficient], main: str) -> None:
    """Write values that ascend, such as thresholds, under the name that the family's text has for them.

    Parameters
    ----------
    main
        The parameter at whose predictor's mean priors hold.
    """
    draft.parameters.add(f"ordered[{len(own)}] {name};")
    draft.names[name] = name
    anchored = [isinstance(c.prior, AtMeans) for c in own]
    if not any(anchored) or not draft.slopes[main]:
        draft.priors(name, [c.prior for c in own])
        return
    draft.model.note(f"priors of {name} hold where every predictor is at its mean")
    mean = _at_means(draft, draft.slopes[main])
    if all(anchored):
        draft.priors(listed(f"{name} - (", " + ", mean, ")"), [c.prior for c in own], vector=name)
        return
    for i, (c, at_means) in enumerate(zip(own, anchored, strict=True), 1):
        symbol = f"{name}[{i}]"
        draft.priors(listed(f"{symbol} - (", " + ", mean, ")") if at_means else symbol, [c.prior])


def write_coefficients(draft: Draft, part: PredictorParameters) -> list[str]:
    """Write a predictor's coefficients; return the terms they add to it."""
    assert part.predictor is not None, "a parameter without a formula has no coefficients"
    population, start = part.predictor.population, prefix(part.parameter)
    limits = [c.constraint.stan for c in part.coefficients]
    terms: list[str] = []
    slopes = draft.slopes.setdefault(part.parameter, [])
    anchored: tuple[str, Prior] | None = None
    for piece in pieces(population.terms, population.names, limits):
        own = [part.coefficients[i] for i in piece.columns]
        name, comment = start + piece.name, ", ".join(c.name for c in own)
        size, limit = len(own), limits[piece.columns[0]]
        if piece.name == "Intercept":
            symbol = draft.parameter(name, name, size, limit, comment)
            terms.append(symbol)
        else:
            symbol = draft.parameter(name, f"b_{name}", size, limit, comment)
            labels = [population.names[i] for i in piece.columns]
            data = draft.columns(piece.name, population.matrix[:, piece.columns], labels)
            terms.append(f"{symbol} * {data}" if size == 1 else f"{data} * {symbol}")
            slopes.append((symbol, data, size))
        if isinstance(own[0].prior, AtMeans):
            anchored = symbol, own[0].prior
        else:
            draft.priors(symbol, [c.prior for c in own])
    if anchored:
        _write_anchored(draft, *anchored, slopes)
    return terms


def _write_anchored(
    draft: Draft, intercept: str, prior: Prior, slopes: Sequence[tuple[str, str, int]]
) -> None:
    """State the prior of an intercept that holds where every predictor is at its mean."""
    if not unwrapped(prior).stan:
        return
    terms = [intercept, *_at_means(draft, slopes)]
    if len(terms) > 1:
        draft.model.note(f"the prior of {intercept} holds where every predictor is at its mean")
    draft.priors(listed("", " + ", terms, ""), [prior])


def _at_means(draft: Draft, slopes: Sequence[tuple[str, str, int]]) -> list[str]:
    """Write what each slope adds to a predictor where every column is at its mean."""
    terms = []
    for symbol, data, size in slopes:
        means = draft.means(data, size)
        terms.append(f"{symbol} * {means}" if size == 1 else f"dot_product({means}, {symbol})")
    return terms


def write_effects(draft: Draft, parameters: Sequence[str], effects: Effects) -> list[tuple[int, str]]:
    """Write a block of group effects.

    Parameters
    ----------
    parameters
        What each predictor is of.

    Returns
    -------
    Pairs of a predictor's number and a term that the block adds to it.
    """
    write = _write_independent if effects.corr is None else _write_correlated
    found = write(draft, named_pieces(effects, parameters), effects)
    return [
        (own.predictor, f"{weight} {text}".strip())
        for own, piece, symbol in found
        for group, weight in draft.factor(own.term.grouping).members
        for text in [_contribution(draft, own, piece, symbol, group)]
    ]


def _contribution(draft: Draft, own: EffectsTerm, piece: StanPiece, symbol: str, group: str) -> str:
    """Write what a piece of group effects adds to each row's predictor."""
    matrix = own.term.matrix[:, [own.columns[i] for i in piece.columns]]
    if matrix.shape[1] == 1 and (matrix == 1.0).all():
        return f"{symbol}[{group}]"
    data = draft.columns(piece.name, matrix, [own.names[i] for i in piece.columns])
    if matrix.shape[1] == 1:
        return f"{symbol}[{group}] .* {data}"
    return f"rows_dot_product({symbol}[{group}], {data})"


def learnt_bounds(coefficient: GroupCoefficient) -> str | None:
    """Bounds of an sd that is learnt, None for one that is not."""
    return coefficient.sd.constraint(Positive()).stan if isinstance(coefficient.sd, Prior) else None


def _write_sd(draft: Draft, name: str, own: Sequence[GroupCoefficient]) -> str:
    """Declare a piece's learnt sds with their priors, or return the one that is given, as a number."""
    if not isinstance(own[0].sd, Prior):
        assert own[0].sd is not None, "effects with a fixed prior have no sd"
        return number(own[0].sd)
    comment = ", ".join(f"{c.name}_sigma" for c in own)
    limits = learnt_bounds(own[0]) or ""
    symbol = draft.parameter(f"{name}_sigma", f"sd_{name}", len(own), limits, comment)
    draft.priors(symbol, [c.sd for c in own if isinstance(c.sd, Prior)])
    return symbol


@dataclass(frozen=True)
class NamedPiece:
    """A piece of a block that is one Stan variable: its term, columns of it, name in results, coordinates."""

    own: EffectsTerm
    piece: StanPiece
    name: str
    coefficients: tuple[GroupCoefficient, ...]

    @property
    def coordinates(self) -> tuple[int, ...]:
        """Coordinates of the block."""
        return tuple(self.own.first + i for i in self.piece.columns)


def named_pieces(effects: Effects, parameters: Sequence[str]) -> list[NamedPiece]:
    """Split a block into pieces whose sds are one Stan variable."""
    found = []
    for own in effects.terms:
        coefficients = [effects.coefficients[i] for i in own.coordinates]
        marks = [learnt_bounds(c) for c in coefficients]
        for piece in pieces(own.terms, own.names, marks):
            name = group_name(parameters[own.predictor], piece.name, effects.factor)
            found.append(NamedPiece(own, piece, name, tuple(coefficients[i] for i in piece.columns)))
    return found


def _write_independent(
    draft: Draft, parts: Sequence[NamedPiece], effects: Effects
) -> list[tuple[EffectsTerm, StanPiece, str]]:
    """Write a block without correlations: each of its pieces stands alone."""
    size = draft.factor(effects.grouping).size
    mixing = draft.mixing(effects.terms[0].term)
    scaled = [bool(mixing) or p.coefficients[0].learnt for p in parts]
    sds = [_write_sd(draft, p.name, p.coefficients) if s else "" for p, s in zip(parts, scaled, strict=True)]
    found = []
    for part, sd in zip(parts, sds, strict=True):
        if sd:
            symbol = _write_pooled(draft, part.name, part.coefficients, sd, size, mixing)
        else:
            symbol = _write_fixed(draft, part.name, part.coefficients[0].prior, size)
        draft.names[part.name] = symbol
        found.append((part.own, part.piece, symbol))
    return found


def _write_fixed(draft: Draft, name: str, prior: Prior, size: str) -> str:
    """Write one coefficient's effects that have a prior with numbers inside: independent, no pooling."""
    symbol = draft.identifiers.new(f"r_{name}")
    draft.parameters.add(f"vector[{size}] {symbol};", f"{name}, each group by itself")
    draft.priors(symbol, [prior])
    return symbol


def _write_pooled(
    draft: Draft, name: str, own: Sequence[GroupCoefficient], sd: str, size: str, mixing: str
) -> str:
    """Write effects as sd times standard normal numbers, which a known covariance mixes between groups."""
    z, symbol = draft.identifiers.new(f"z_{name}"), draft.identifiers.new(f"r_{name}")
    if len(own) == 1:
        mixed = f"({mixing} * {z})" if mixing else z
        draft.parameters.add(f"vector[{size}] {z};", f"{name} in units of its sd")
        draft.transformed.add(f"vector[{size}] {symbol} = {sd} * {mixed};", name)
        draft.model.add(f"{z} ~ std_normal();")
    else:
        labels, before = ", ".join(c.name for c in own), f"{mixing} * " if mixing else ""
        draft.parameters.add(f"matrix[{len(own)}, {size}] {z};", f"{name} in units of its sds")
        draft.transformed.add(
            f"matrix[{size}, {len(own)}] {symbol} = {before}diag_pre_multiply({sd}, {z})';",
            f"columns: {labels}",
        )
        draft.model.add(f"to_vector({z}) ~ std_normal();")
    return symbol


def _write_correlated(
    draft: Draft, parts: Sequence[NamedPiece], effects: Effects
) -> list[tuple[EffectsTerm, StanPiece, str]]:
    """Write a block with correlations: all its coefficients are one multivariate normal."""
    assert effects.corr is not None, "called for blocks with correlations"
    corr = effects.corr_name
    base, d = corr.removesuffix("_corr"), effects.width
    size = draft.factor(effects.grouping).size
    sds = _stacked([(_write_sd(draft, p.name, p.coefficients), len(p.coefficients)) for p in parts])

    mixing = draft.mixing(effects.terms[0].term)
    before = f"{mixing} * " if mixing else ""
    factor, z, r = (draft.identifiers.new(f"{letter}_{base}") for letter in "Lzr")
    draft.parameters.add(f"cholesky_factor_corr[{d}] {factor};", f"Cholesky factor of {corr}")
    draft.parameters.add(f"matrix[{d}, {size}] {z};", "effects in units of their sds, uncorrelated")
    scaled = broken(f"{before}(diag_pre_multiply({sds}, {factor})", f"* {z})';")
    draft.transformed.add(broken(f"matrix[{size}, {d}] {r} =", scaled))
    draft.model.add(f"{factor} ~ {effects.corr.stan};")
    draft.model.add(f"to_vector({z}) ~ std_normal();")
    draft.names[corr] = draft.identifiers.new(f"corr_{base}")
    draft.generated.add(
        f"corr_matrix[{d}] {draft.names[corr]} = multiply_lower_tri_self_transpose({factor});", corr
    )
    return [(part.own, part.piece, _report(draft, part, r, size)) for part in parts]


def _stacked(sds: Sequence[tuple[str, int]]) -> str:
    """Write a vector made of reals and vectors, given with their sizes."""
    found = []
    for several, run in groupby(sds, key=lambda sd: sd[1] > 1):
        symbols = [symbol for symbol, _ in run]
        found += symbols if several else [f"[{', '.join(symbols)}]'"]
    return reduce(lambda above, below: f"append_row({above}, {below})", found)


def _report(draft: Draft, part: NamedPiece, r: str, size: str) -> str:
    """Give a piece of a block's effects its own name."""
    name, columns = part.name, part.piece.columns
    symbol = draft.names[name] = draft.identifiers.new(f"r_{name}")
    first, last = part.own.first + columns[0] + 1, part.own.first + columns[-1] + 1
    if first == last:
        draft.transformed.add(broken(f"vector[{size}] {symbol} =", f"{r}[, {first}];"), name)
    else:
        kind = f"matrix[{size}, {last - first + 1}]"
        draft.transformed.add(broken(f"{kind} {symbol} =", f"{r}[, {first}:{last}];"), name)
    return symbol
