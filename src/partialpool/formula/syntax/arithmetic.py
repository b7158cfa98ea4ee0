"""Arithmetic is read by Python's own parser, and only a closed list of what it can return is accepted."""

from __future__ import annotations

import ast
import sys
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from partialpool.formula.syntax.arithmetic_tree import (
    Call,
    Chain,
    Comparison,
    Contrast,
    Name,
    Node,
    Numbers,
    Power,
    Signed,
    Value,
)
from partialpool.formula.syntax.scan import Piece, Token, is_plain_name
from partialpool.formula.syntax.sequence import check_sequence

_LITERALS = {"True": True, "False": False, "None": None}
_SIGNS: dict[type[ast.unaryop], str] = {ast.UAdd: "+", ast.USub: "-"}
_SUMS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-"}
_PRODUCTS: dict[type[ast.operator], str] = {ast.Mult: "*", ast.Div: "/"}
_COMPARISONS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_MOST_LEVELS = 250  # Python lets functions call themselves a thousand deep, and a level takes up to three
_MOST_TOKENS = 3_000  # Python's parser gives up at some twice as many, at others in other versions
_MOST_DIGITS = 400  # of a whole number; larger ones are beyond double precision


def read_arithmetic(piece: Piece) -> Node:
    """Read an expression as Python does.

    Parameters
    ----------
    piece
        The tokens of an expression; ``{...}`` in it stands for ``I(...)``.

    Raises
    ------
    FormulaError
        With a caret under what has no meaning.

    Examples
    --------
    >>> from partialpool.formula.syntax.arithmetic_tree import text_of
    >>> from partialpool.formula.syntax.scan import scan
    >>> text_of(read_arithmetic(scan("-x**2 + (a - b)*2**-c**d")))
    '-x ** 2 + (a - b) * 2 ** -c ** d'
    """
    check_sequence(piece)
    return _Reader(piece).read()


def _same_chain(node: ast.AST, child: ast.AST) -> bool:
    """Tell whether Python nests two operations of which we make one chain."""
    if not (isinstance(node, ast.BinOp) and child is node.left and isinstance(child, ast.BinOp)):
        return False
    return any(type(node.op) in signs and type(child.op) in signs for signs in (_SUMS, _PRODUCTS))


@dataclass(frozen=True)
class _Reader:
    """Hands Python's parser a text in which every name, number and text is ``_0``, ``_1``, ...

    So names may be any, keywords of Python too, and the parser sees nothing but operators and brackets.
    """

    piece: Piece

    def read(self) -> Node:
        if len(self.piece) > _MOST_TOKENS:
            raise self._too_long()
        words = [self._word(i, token) for i, token in enumerate(self.piece.tokens)]
        try:
            tree = ast.parse(" ".join(words), mode="eval").body
        except SyntaxError as error:
            raise self._stopped((error.offset or 1) - 1) from error
        except (RecursionError, MemoryError) as error:
            raise self._too_long() from error
        self._require_few_levels(tree)
        return self._node(tree)

    def _too_long(self) -> Exception:
        return self.piece.error(
            f"The expression is too long: {len(self.piece):,} names, numbers and signs.",
            allowed=f"{_MOST_TOKENS:,}",
            hint="a new column of the table with a part of it",
        )

    def _require_few_levels(self, tree: ast.expr) -> None:
        """Refuse a tree that is too deep for functions that call themselves."""
        parts: list[tuple[ast.AST, int]] = [(tree, 0)]
        while parts:
            node, depth = parts.pop()
            if depth > _MOST_LEVELS:
                raise self._refused(tree, "The expression is nested too deeply.", hint="a column for a part")
            parts += [(child, depth + (not _same_chain(node, child))) for child in ast.iter_child_nodes(node)]

    @staticmethod
    def _word(i: int, token: Token) -> str:
        if token.kind != "symbol":
            return f"_{i}"
        return {"{": "I (", "}": ")"}.get(token.text, token.text)

    def _position(self, offset: int) -> int:
        """Find the token of a position in the text that Python read."""
        words = (len(self._word(i, t)) + 1 for i, t in enumerate(self.piece.tokens))
        return bisect_right(list(accumulate(words)), offset)

    def _stopped(self, offset: int) -> Exception:
        position = self._position(offset)
        if position >= len(self.piece):
            return self.piece.error("The formula ends too early.", self.piece.end)
        token = self.piece.tokens[position]
        return self.piece.error(f"{token.text!r} cannot stand here.", token)

    def _refused(self, found: ast.expr, problem: str, **parts: str) -> Exception:
        token = self.piece.tokens[self._position(found.col_offset)]
        return self.piece.error(problem, token, **parts)

    # ---- one kind of Python's nodes each -----------------------------------------------------------------

    def _node(self, found: ast.expr) -> Node:
        match found:
            case ast.Name():
                return self._atom(found)
            case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _SIGNS:
                return Signed(_SIGNS[type(sign)], self._node(operand))
            case ast.BinOp(op=ast.Pow(), left=base, right=exponent):
                return Power(self._node(base), self._node(exponent))
            case ast.BinOp(op=sign) if type(sign) in _SUMS:
                return self._chain(found, _SUMS)
            case ast.BinOp(op=sign) if type(sign) in _PRODUCTS:
                return self._chain(found, _PRODUCTS)
            case ast.Compare():
                return self._comparison(found)
            case ast.Call():
                return self._call(found)
            case ast.List(elts=items):
                return Numbers(tuple(map(self._node, items)))
        raise self._refused(found, "This has no meaning in arithmetic.", allowed="+ - * / ** and functions")

    def _atom(self, found: ast.Name) -> Node:
        position = int(found.id[1:])
        token = self.piece.tokens[position]
        if token.kind == "number":
            return self._number(token)
        if token.kind == "string":
            return Value(token.value, token.text)
        if token.text in _LITERALS:
            return Value(_LITERALS[token.text], token.text)
        before = self.piece.tokens[position - 1].text if position else ""
        return Contrast(token.text) if token.is_contrast(before) else Name(token.value)

    def _number(self, token: Token) -> Node:
        whole = token.text.isdigit() and len(token.text) <= _MOST_DIGITS
        number = int(token.text) if whole else float(token.text)
        if number > sys.float_info.max:
            raise self.piece.error("This number is beyond double precision.", token, allowed="up to 1.8e308")
        return Value(number, str(number))

    def _chain(self, found: ast.expr, signs: dict[type[ast.operator], str]) -> Node:
        """Unwind what Python nests to the left, so that a sum of hundreds is no deeper than one of two."""
        rest: list[tuple[str, Node]] = []
        while isinstance(found, ast.BinOp) and type(found.op) in signs:
            rest.append((signs[type(found.op)], self._node(found.right)))
            found = found.left
        return Chain(self._node(found), tuple(reversed(rest)))

    def _comparison(self, found: ast.Compare) -> Node:
        if len(found.ops) > 1 or type(found.ops[0]) not in _COMPARISONS:
            raise self._refused(
                found.comparators[-1], "A comparison has two sides.", hint="(a < b) * (b < c)"
            )
        left, right = self._node(found.left), self._node(found.comparators[0])
        return Comparison(left, _COMPARISONS[type(found.ops[0])], right)

    def _call(self, found: ast.Call) -> Node:
        function = self._function(found.func)
        options = [(self._token(str(option.arg)), self._node(option.value)) for option in found.keywords]
        for i, (name, _) in enumerate(options):
            if name in dict(options[:i]) or not is_plain_name(name):
                raise self._refused(found.keywords[i].value, f"{name}= cannot stand here.")
        return Call(function, tuple(map(self._node, found.args)), tuple(options))

    def _function(self, found: ast.expr) -> str:
        if not isinstance(found, ast.Name):
            raise self._refused(found, "This bracket follows no function.", hint="a sign before it")
        return "I" if found.id == "I" else self._token(found.id)

    def _token(self, word: str) -> str:
        return self.piece.tokens[int(word[1:])].text
