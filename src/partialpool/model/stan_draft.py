"""A Stan program while it is being written: its blocks, its data, and the names given so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from partialpool.formula.group_records import Grouping, Membership
from partialpool.formula.records import GroupTerm, Term
from partialpool.model.stan_text import Identifiers, StanBlock, broken, listed
from partialpool.priors.base import Prior, number, unwrapped


@dataclass(frozen=True)
class FactorText:
    """A grouping factor in a program.

    Attributes
    ----------
    size
        Identifier of its number of groups.
    members
        For each group of a row its identifier, and the weight with the sign of multiplication, ``"w .*"``;
        empty where it is 1.
    """

    size: str
    members: tuple[tuple[str, str], ...]


@dataclass
class Draft:
    """A program's blocks in the order Stan has them, filled by whoever has something to say.

    Attributes
    ----------
    identifiers
        Gives out names.
    values
        The data, by identifier.
    names
        Identifier of each of our variables.
    slopes
        By parameter, the coefficients of its predictor but the intercept: identifier, their data's, how many.
    """

    identifiers: Identifiers
    data: StanBlock = field(default_factory=lambda: StanBlock("data"))
    transformed_data: StanBlock = field(default_factory=lambda: StanBlock("transformed data"))
    parameters: StanBlock = field(default_factory=lambda: StanBlock("parameters"))
    transformed: StanBlock = field(default_factory=lambda: StanBlock("transformed parameters"))
    model: StanBlock = field(default_factory=lambda: StanBlock("model"))
    generated: StanBlock = field(default_factory=lambda: StanBlock("generated quantities"))
    values: dict[str, object] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    slopes: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)
    _columns: dict[bytes, str] = field(default_factory=dict)
    _factors: dict[str, FactorText] = field(default_factory=dict)
    _means: dict[str, str] = field(default_factory=dict)
    _mixings: dict[tuple[str, str], str] = field(default_factory=dict)

    def columns(self, name: str, matrix: NDArray[np.float64], labels: Sequence[str]) -> str:
        """Declare a term's (n, K) data, a vector or a matrix; equal data are declared once."""
        content = (matrix + 0.0).tobytes()
        if content not in self._columns:
            symbol = self._columns[content] = self.identifiers.new(name)
            width = matrix.shape[1]
            kind = "vector[N]" if width == 1 else f"matrix[N, {width}]"
            self.data.add(f"{kind} {symbol};", _unless_same(", ".join(labels), symbol))
            self.values[symbol] = (matrix[:, 0] if width == 1 else matrix).tolist()
        return self._columns[content]

    def means(self, data: str, size: int) -> str:
        """Declare the means of a term's data; a row counts by its weight times its trials."""
        if data not in self._means:
            units = self._units()
            template = f"dot_product({units}, {{}}) / sum({units})" if units else "mean({})"
            symbol = self._means[data] = self.identifiers.new(f"mean_{data}")
            if size == 1:
                self.transformed_data.add(f"real {symbol} = {template.format(data)};")
            else:
                means = [template.format(f"{data}[, {k}]") for k in range(1, size + 1)]
                self.transformed_data.add(listed(f"vector[{size}] {symbol} = [", ", ", means, "]';"))
        return self._means[data]

    def _units(self) -> str:
        """Identifier of how many unit outcomes each row stands for; empty when it is one."""
        if "trials" not in self.values:
            return "weights" if "weights" in self.values else ""
        if not any(code.startswith("vector[N] units ") for code, _ in self.transformed_data.lines):
            product = "weights .* to_vector(trials)" if "weights" in self.values else "to_vector(trials)"
            self.transformed_data.add(f"vector[N] units = {product};")
        return "units"

    def factor(self, grouping: Grouping) -> FactorText:
        """Declare a grouping factor: how many groups it has, and which group or groups each row has."""
        name = grouping.name
        if name not in self._factors:
            size = self.identifiers.new(f"J_{name}")
            self.data.add(f"int<lower=1> {size};", f"groups of {name}")
            self.values[size] = len(grouping.labels)
            if grouping.members:
                pairs = zip(grouping.columns, grouping.members, strict=True)
                members = tuple(self._member(size, f"{name} {column}", own) for column, own in pairs)
            else:
                members = (self._member(size, name, grouping.memberships[0]),)
            self._factors[name] = FactorText(size, members)
        return self._factors[name]

    def _member(self, size: str, name: str, member: Membership) -> tuple[str, str]:
        """Declare a group of each row; return its identifier and its weights, empty where they are 1."""
        group = self.identifiers.new(name)
        self.data.add(f"array[N] int<lower=1, upper={size}> {group};", f"{name} of each row")
        self.values[group] = (member.index + 1).tolist()
        weights = np.ones(1) if member.weights is None else member.weights
        if np.all(weights == 1.0):
            return group, ""
        if np.all(weights == weights[0]):
            return group, f"{number(float(weights[0]))} *"
        symbol = self.columns(f"weight_{name}", weights[:, np.newaxis], [f"weight of {name}"])
        return group, f"{symbol} .*"

    def mixing(self, term: GroupTerm) -> str:
        """Declare the Cholesky factor of a term's covariance between groups; empty where there is none."""
        if term.covariance is None:
            return ""
        key = term.grouping.name, term.covariance.name
        if key not in self._mixings:
            size = self.factor(term.grouping).size
            matrix = self.identifiers.new(term.covariance.name)
            self.data.add(f"cov_matrix[{size}] {matrix};", f"covariance between groups of {key[0]}")
            self.values[matrix] = term.covariance.between.tolist()
            symbol = self._mixings[key] = self.identifiers.new(f"L_{matrix}")
            self.transformed_data.add(f"matrix[{size}, {size}] {symbol} = cholesky_decompose({matrix});")
        return self._mixings[key]

    def parameter(self, name: str, wanted: str, size: int, limits: str, comment: str) -> str:
        """Declare a parameter, a real or a vector; return its identifier."""
        symbol = self.names[name] = self.identifiers.new(wanted)
        kind = f"real{limits}" if size == 1 else f"vector{limits}[{size}]"
        self.parameters.add(f"{kind} {symbol};", _unless_same(comment, symbol))
        return symbol

    def priors(self, symbol: str, priors: Sequence[Prior], vector: str = "") -> None:
        """State the priors of a variable, in one statement where they are equal; none for a flat one.

        Parameters
        ----------
        symbol
            What has the priors.
        vector
            The variable in it that has as many values as there are priors; `symbol` itself when left out.
        """
        texts = [unwrapped(p).stan for p in priors]
        alike = len(set(texts)) == 1
        for i, text in enumerate(texts[:1] if alike else texts, 1):
            if text:
                own = symbol.replace(vector or symbol, f"{vector or symbol}[{i}]", 1)
                self.model.add(broken(symbol if alike else own, f"~ {text};"))


def _unless_same(comment: str, symbol: str) -> str:
    return "" if comment == symbol else comment


@dataclass(frozen=True)
class StanPiece:
    """The columns of a term that one Stan variable stands for: all of them where they are alike.

    Attributes
    ----------
    name
        The term's, ``"cat"``; where columns stand alone the column's, ``"cat[b]"``.
    columns
        Their positions in the matrix that the term belongs to.
    """

    name: str
    columns: tuple[int, ...]


def pieces(terms: Sequence[Term], names: Sequence[str], marks: Sequence[str | None]) -> list[StanPiece]:
    """Split terms into pieces whose columns have equal marks; None is equal to nothing.

    Examples
    --------
    >>> cat = Term("cat", slice(0, 2), ("b", "c"))
    >>> pieces([cat], ["cat[b]", "cat[c]"], ["", ""])
    [StanPiece(name='cat', columns=(0, 1))]
    >>> pieces([cat], ["cat[b]", "cat[c]"], ["", "<lower=0>"])
    [StanPiece(name='cat[b]', columns=(0,)), StanPiece(name='cat[c]', columns=(1,))]
    """
    found = []
    for term in terms:
        own = tuple(range(*term.columns.indices(len(names))))
        different = {marks[i] for i in own}
        if len(own) == 1 or (len(different) == 1 and None not in different):
            found.append(StanPiece(term.name, own))
        else:
            found += [StanPiece(names[i], (i,)) for i in own]
    return found
