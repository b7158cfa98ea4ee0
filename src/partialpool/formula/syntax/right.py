"""The right side of a formula: population-level terms, group-level terms, offsets, weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from partialpool.formula.syntax.functions import check_calls
from partialpool.formula.syntax.grouped import read_grouped
from partialpool.formula.syntax.membership import MembersPart, read_members
from partialpool.formula.syntax.scan import IMPLIED, Piece, Token
from partialpool.formula.syntax.terms import check_terms

_ONE = Token("number", "1", IMPLIED)
_PLUS = Token("symbol", "+", IMPLIED)


@dataclass(frozen=True)
class GroupPart:
    """A group-level term as it is written, nesting written out.

    Attributes
    ----------
    expression
        What varies, with the implied intercept written out.
    columns
        The columns that make the grouping factor.
    correlated
        False for ``||``.
    shared
        The name between two bars, which terms have whose effects are correlated; empty where there is none.
    covariance
        Name of the known covariance between groups; empty where there is none.
    members
        How the columns make the factor where each names one of several groups of a row; None elsewhere.
    """

    expression: Piece
    columns: tuple[str, ...]
    correlated: bool
    shared: str = ""
    covariance: str = ""
    members: MembersPart | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """What a recipe knows the factor by: see `Grouping.key`."""
        return self.columns if self.members is None else (self.members.name,)

    @property
    def weights(self) -> tuple[Piece, ...]:
        """The weights of a row's groups, where they are given."""
        return () if self.members is None else self.members.weights


@dataclass(frozen=True)
class RightSide:
    """What stands right of ``~``.

    Attributes
    ----------
    population
        The population-level terms, with the implied intercept written out.
    """

    population: Piece
    groups: tuple[GroupPart, ...]
    offsets: tuple[Piece, ...]
    weights: Piece | None

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """All that is evaluated; the weights belong to the outcome."""
        inside = (piece for group in self.groups for piece in (group.expression, *group.weights))
        return (self.population, *inside, *self.offsets)

    @property
    def sums(self) -> tuple[Piece, ...]:
        """The sums of terms."""
        return (self.population, *(group.expression for group in self.groups))

    @property
    def expressions(self) -> tuple[Piece, ...]:
        """What gives one number a row."""
        return (*(weight for group in self.groups for weight in group.weights), *self.offsets)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the predictor reads."""
        factors = [name for group in self.groups for name in group.columns]
        return tuple(dict.fromkeys([*(name for piece in self.pieces for name in piece.columns), *factors]))


def split_right(side: Piece) -> RightSide:
    """Cut the right side of a formula.

    Raises
    ------
    FormulaError
        With a caret under what is wrong.
    """
    if not len(side):
        raise side.error("Nothing stands right of '~'.", side.end, hint="'y ~ 1' for an intercept alone")
    population: list[Token] = [_ONE]
    groups: list[GroupPart] = []
    offsets: list[Piece] = []
    weights: list[Piece] = []
    for sign, operand in _operands(side):
        if _is_group(operand):
            groups += _group_parts(sign, operand)
        elif (argument := operand.argument("offset", "weights")) is not None and len(argument):
            _refuse_minus(sign, operand)
            check_calls(argument)
            (offsets if operand.tokens[0].text == "offset" else weights).append(argument)
        else:
            check_terms(operand)
            population += [sign, *operand.tokens]
    if len(weights) > 1:
        raise weights[1].error("The formula has weights twice.")
    return RightSide(
        Piece(side.text, tuple(population)), tuple(groups), tuple(offsets), weights[0] if weights else None
    )


def _operands(side: Piece) -> Iterator[tuple[Token, Piece]]:
    """Yield what stands between the top-level signs, each with the sign before it."""
    sign, first = _PLUS, 0
    for i, token in side.levels():
        # A sign after a sign, or after another operator, belongs to the operand: ``x + -1``.
        if token.text in ("+", "-") and i > first and side.tokens[i - 1].text not in ("*", "/", ":", "**"):
            yield sign, side[first:i]
            sign, first = token, i + 1
    if first == len(side):
        raise side.error(f"Nothing follows this {sign.text!r}.", sign)
    yield sign, side[first:]


def _is_group(operand: Piece) -> bool:
    """Tell whether it is one bracket with a bar directly inside."""
    if operand.tokens[0].text != "(" or [i for i, _ in operand.levels()] != [0, len(operand) - 1]:
        return False
    return any(token.text in ("|", "||") for _, token in operand[1:-1].levels())


def _group_parts(sign: Token, operand: Piece) -> list[GroupPart]:
    _refuse_minus(sign, operand)
    inside = operand[1:-1]
    bars = [i for i, token in inside.levels() if token.text in ("|", "||")]
    bar, last = inside.tokens[bars[0]], bars[-1]
    if not bars[0]:
        raise inside.error("Nothing stands left of the bar.", bar, hint="(1 | g) for a varying intercept")
    shared = _shared_name(inside, bars)
    expression, grouped = inside[: bars[0]], read_grouped(inside[last + 1 :])
    check_terms(expression)
    expression = Piece(expression.text, (_ONE, _PLUS, *expression.tokens))
    members, correlated = read_members(grouped.factor), bar.text == "|"
    if members is not None:
        if grouped.covariance:
            raise inside.error(
                "A known covariance is for groups of which a row has one, and mm() gives it several.",
                inside.tokens[last],
                hint=f"(1 | {members.name}) leaves the covariance out",
            )
        return [GroupPart(expression, members.columns, correlated, shared, "", members)]
    return [
        GroupPart(expression, columns, correlated, shared, grouped.covariance)
        for columns in _factors(grouped.factor, inside.tokens[last])
    ]


def _shared_name(inside: Piece, bars: list[int]) -> str:
    """Read the name between two bars, of effects that are correlated with those of other terms."""
    if len(bars) == 1:
        return ""
    if len(bars) > 2:
        raise inside.error("A group-level term has one bar, or a name between two.", inside.tokens[bars[2]])
    for bar in bars:
        if inside.tokens[bar].text == "||":
            raise inside.error(
                "'||' leaves correlations out, and a name between bars is there to correlate.",
                inside.tokens[bar],
                hint="(x | name | g), or (x || g)",
            )
    name = inside[bars[0] + 1 : bars[1]]
    if len(name) != 1 or not (name.tokens[0].is_name or name.tokens[0].text.isdigit()):
        raise inside.error(
            f"Between two bars stands {name.source!r}." if len(name) else "Nothing stands between two bars.",
            name.tokens[0] if len(name) else inside.tokens[bars[1]],
            allowed="one name, the same in every term whose effects are correlated: (x | name | g)",
        )
    return name.tokens[0].value


def _factors(factor: Piece, bar: Token) -> list[tuple[str, ...]]:
    """Write nesting out: ``a/b`` is ``a`` and ``a:b``; ``a:b`` is the two columns together."""
    if not len(factor):
        raise factor.error("No grouping factor stands right of the bar.", bar, hint="(1 | g)")
    found: list[tuple[str, ...]] = []
    for part in factor.split("/"):
        outer = found[-1] if found else ()
        columns = outer + tuple(_column(name, factor) for name in part.split(":"))
        if len(set(columns)) < len(columns):
            raise part.error(f"The grouping factor {factor.source!r} has a column twice.")
        found.append(columns)
    return found


def _column(piece: Piece, factor: Piece) -> str:
    if len(piece) == 1 and piece.tokens[0].is_name:
        return piece.tokens[0].value
    at = piece.tokens[0] if len(piece) else None
    raise factor.error(
        f"A grouping factor cannot be {piece.source or factor.source!r}.",
        at,
        allowed="a column g, columns together a:b, nested columns a/b, several groups a row mm(a, b), "
        "known relations gr(g, cov=A)",
        hint="(1 | a) + (1 | b) for two factors, or a new column of the table",
    )


def _refuse_minus(sign: Token, operand: Piece) -> None:
    if sign.text == "-":
        raise operand.error(f"{operand.source!r} cannot be taken away.", sign, hint="leave it out")
