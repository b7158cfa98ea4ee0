"""Which columns of a formula are labels and nothing else: their text is kept as it is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from partialpool.formula.syntax.algebra import read_terms
from partialpool.formula.syntax.arithmetic import read_arithmetic
from partialpool.formula.syntax.arithmetic_tree import Call, Name, Node, parts_of
from partialpool.formula.syntax.functions import CODING
from partialpool.formula.syntax.left import LeftSide
from partialpool.formula.syntax.right import RightSide


def labels_of(left: LeftSide, sides: Iterable[RightSide]) -> frozenset[str]:
    """List the columns of the sides of a formula that are labels and nothing else."""
    sides = list(sides)
    factors = {name for side in sides for group in side.groups for name in group.columns}
    coded, counted = set(factors), {name for piece in left.pieces for name in piece.columns}
    for node in _nodes(sides):
        coded |= {*_coded(node)}
        counted |= {*_counted(node)}
    return frozenset(coded - counted)


def _nodes(sides: Iterable[RightSide]) -> Iterator[Node]:
    for side in sides:
        for terms in side.sums:
            yield from (node for term in read_terms(terms) for node in term)
        yield from (read_arithmetic(piece) for piece in side.expressions)


def _coded(node: Node) -> Iterator[str]:
    """Yield the columns that are made categories."""
    column = _made_categories(node)
    if column is not None:
        yield column
    for part in parts_of(node):
        yield from _coded(part)


def _counted(node: Node) -> Iterator[str]:
    """Yield the columns that stand for themselves."""
    if isinstance(node, Name):
        yield node.column
    for part in parts_of(node)[_made_categories(node) is not None :]:
        yield from _counted(part)


def _made_categories(node: Node) -> str | None:
    """Name the column of which a node makes categories, if it does."""
    if isinstance(node, Call) and node.function in CODING and node.args and isinstance(node.args[0], Name):
        return node.args[0].column
    return None
