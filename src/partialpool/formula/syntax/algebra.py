"""A sum of terms as it is written: ``*``, ``/``, ``:``, ``**`` and ``-`` worked out, each term once.

``a * b`` is ``a + b + a:b``; ``a / b`` is ``a + a:b``; ``(a + b)**2`` is all interactions up to the second
order; ``- b`` takes a term away. 1 is the intercept, a term without components; 0 or ``-1`` takes it away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, combinations
from math import comb

from partialpool.formula.syntax.arithmetic import read_arithmetic
from partialpool.formula.syntax.arithmetic_tree import Node
from partialpool.formula.syntax.scan import Piece, Token
from partialpool.formula.syntax.sequence import check_sequence

MOST_COLUMNS = 10_000  # of one sum of terms
_MANY = 10**15  # numbers from here on are written as powers of ten
_MOST_DIGITS = 18  # of an order; such orders are all beyond the number of terms
_SIGNS = ("+", "-")
_TIGHTNESS = {"*": 1, "/": 1, ":": 2, "**": 3}

Components = tuple[Node, ...]  # of one term
_INTERCEPT: Components = ()


@dataclass(frozen=True)
class _Terms:
    """Terms, each once whatever the order of its components, in the order in which they are written.

    Attributes
    ----------
    found
        By its components, each term.
    count
        How many there are. Where they are too many nothing is found, and at least these are asked for.
    without
        Whether an intercept that stands before them is taken away.
    """

    found: dict[frozenset[Node], Components]
    count: int
    without: bool = False

    @property
    def too_many(self) -> bool:
        return self.count > MOST_COLUMNS

    @property
    def none(self) -> bool:
        """Whether there is nothing but an intercept, or not even that."""
        return not self.too_many and not any(self.found)


def read_terms(piece: Piece) -> tuple[Components, ...]:
    """Work out a sum of terms.

    Returns
    -------
    Each term as its components, columns and calls of functions; the intercept has none.

    Raises
    ------
    FormulaError
        With a caret under what has no meaning; when there are more terms than a predictor can have columns.

    Examples
    --------
    >>> from partialpool.formula.syntax.arithmetic_tree import text_of
    >>> from partialpool.formula.syntax.scan import scan
    >>> [":".join(map(text_of, term)) for term in read_terms(scan("(a + b)**2 + log(x)/c - a"))]
    ['b', 'a:b', 'log(x)', 'log(x):c']
    """
    check_sequence(piece)
    terms = _Reader(piece).read()
    if terms.too_many:
        raise piece.error(
            f"These terms ask for {count_text(terms.count)} columns or more.",
            piece.start,
            allowed=f"{MOST_COLUMNS:,} columns in one sum of terms",
            hint="a smaller order after '**', or only the interactions that matter",
        )
    return tuple(terms.found.values())


def count_text(count: int) -> str:
    """Write a whole number of any size: in digits, or as a power of ten.

    Examples
    --------
    >>> count_text(1048575), count_text(2**100)
    ('1,048,575', 'about 10^30')
    """
    if count < _MANY:
        return f"{count:,}"
    return f"about 10^{round((count.bit_length() - 1) * 0.30103)}"


class _Reader:
    """Reads one token after the other; what binds more tightly is read first."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self._at = 0
        self._partners = _partners(piece)

    def read(self) -> _Terms:
        terms = self._sum()
        if self._at < len(self._piece):
            token = self._piece.tokens[self._at]
            raise self._piece.error(f"{token.text!r} cannot stand here.", token)
        return terms

    def _next(self) -> str:
        return self._piece.tokens[self._at].text if self._at < len(self._piece) else ""

    def _take(self) -> Token:
        self._at += 1
        return self._piece.tokens[self._at - 1]

    def _sum(self) -> _Terms:
        total = _Total()
        sign = self._take().text if self._next() in _SIGNS else "+"
        while True:
            terms = self._product(1)
            if sign == "+":
                total.add(terms)
            else:
                total.take_away(terms)
            if self._next() not in _SIGNS:
                return total.terms
            sign = self._take().text

    def _product(self, least: int) -> _Terms:
        """Read operands and the operators between them that bind as tightly as `least`, or more."""
        left = self._operand()
        while _TIGHTNESS.get(self._next(), 0) >= least:
            operator = self._take()
            if operator.text == "**":
                left = _power(left, int(self._take().text[:_MOST_DIGITS]))
                continue
            right = self._product(_TIGHTNESS[operator.text] + 1)
            if left.none or right.none:
                raise self._piece.error(
                    f"On both sides of {operator.text!r} stand terms, not 0 or 1.", operator
                )
            left = _COMBINED[operator.text](left, right)
        return left

    def _operand(self) -> _Terms:
        sign = self._take() if self._next() in _SIGNS else None
        terms = self._unsigned()
        if sign is None or sign.text == "+":
            return terms
        if not terms.none:
            raise self._piece.error("This sign stands before a term.", sign, hint="{-x} for arithmetic")
        return _terms([_INTERCEPT]) if terms.without else _Terms({}, 0, without=True)

    def _unsigned(self) -> _Terms:
        start, token = self._at, self._take()
        if token.text == "(":
            terms = self._sum()
            self._take()
            return terms
        if token.kind == "number":
            return _terms([_INTERCEPT]) if token.text == "1" else _Terms({}, 0, without=True)
        if token.text == "{" or self._next() == "(":
            self._at = self._partners[start if token.text == "{" else self._at] + 1
        return _terms([(read_arithmetic(self._piece[start : self._at]),)])


def _partners(piece: Piece) -> dict[int, int]:
    """By the position of an opening bracket, that of its closing one."""
    opened: list[int] = []
    found: dict[int, int] = {}
    for i, token in enumerate(piece.tokens):
        if token.text in ("(", "{", "["):
            opened.append(i)
        elif token.text in (")", "}", "]"):
            found[opened.pop()] = i
    return found


class _Total:
    """A sum while it is read."""

    def __init__(self) -> None:
        self.found: dict[frozenset[Node], Components] = {}
        self.count = 0
        self.without = False

    @property
    def terms(self) -> _Terms:
        return _Terms(self.found, max(self.count, len(self.found)), self.without)

    def add(self, terms: _Terms) -> None:
        for key, term in terms.found.items():
            self.found.setdefault(key, term)
        if terms.too_many:
            self.count += terms.count
        if terms.without:
            self._drop_intercept()
        elif frozenset() in terms.found:
            self.without = False

    def take_away(self, terms: _Terms) -> None:
        if terms.without:
            self.add(_terms([_INTERCEPT]))
        for key in terms.found:
            self.found.pop(key, None)
        if frozenset() in terms.found:
            self._drop_intercept()

    def _drop_intercept(self) -> None:
        self.found.pop(frozenset(), None)
        self.without = True


# ---- what the operators mean -----------------------------------------------------------------------------


def _terms(terms: Iterable[Components]) -> _Terms:
    found: dict[frozenset[Node], Components] = {}
    for term in terms:
        found.setdefault(frozenset(term), tuple(dict.fromkeys(term)))
    return _Terms(found, len(found))


def _bounded(count: int, terms: Iterable[Components]) -> _Terms:
    """Make terms, unless they are too many."""
    return _Terms({}, count) if count > MOST_COLUMNS else _terms(terms)


def _interactions(left: _Terms, right: _Terms) -> _Terms:
    pairs = (a + b for a in left.found.values() for b in right.found.values())
    return _bounded(left.count * right.count, pairs)


def _crossed(left: _Terms, right: _Terms) -> _Terms:
    pairs = (a + b for a in left.found.values() for b in right.found.values())
    count = left.count + right.count + left.count * right.count
    return _bounded(count, chain(left.found.values(), right.found.values(), pairs))


def _nested(left: _Terms, right: _Terms) -> _Terms:
    outer = tuple(chain.from_iterable(left.found.values()))
    inside = (outer + term for term in right.found.values())
    return _bounded(left.count + right.count, chain(left.found.values(), inside))


def _power(terms: _Terms, order: int) -> _Terms:
    """All interactions of terms up to an order; of too many terms only these are counted."""
    if terms.too_many:
        return terms
    highest = min(order, terms.count)
    count = sum(comb(terms.count, k) for k in range(1, highest + 1))
    chosen = (some for k in range(1, highest + 1) for some in combinations(terms.found.values(), k))
    return _bounded(count, (tuple(chain.from_iterable(some)) for some in chosen))


_COMBINED = {"*": _crossed, "/": _nested, ":": _interactions}
