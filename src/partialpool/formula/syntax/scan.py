"""The text of a formula becomes tokens that know where they stand, so that an error can point at one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from partialpool.errors import FormulaError, build

_NOT_IN_NAMES = re.escape("!\"#$%&'()*+,-/:;<=>?@[\\]^`{|}~")
_TOKEN = re.compile(
    rf"""
      (?P<space>\s+)
    | (?P<quoted>`[^`]*`)
    | (?P<string>"[^"]*"|'[^']*')
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<symbol>\*\*|\|\||[=!<>]=|[()\[\]{{}},+\-*/:~|=<>])
    | (?P<name>[^\s\d.{_NOT_IN_NAMES}][^\s{_NOT_IN_NAMES}]*)
    """,
    re.VERBOSE,
)
IMPLIED = -1  # the position of a token that nobody wrote
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_LITERALS = ("True", "False", "None")
_CONTRASTS = ("Treatment", "Sum")  # may be given to C() by name


@dataclass(frozen=True)
class Token:
    """One token.

    Attributes
    ----------
    kind
        ``"name"``, ``"quoted"`` (a name in back-quotes), ``"string"``, ``"number"`` or ``"symbol"``.
    text
        As it is written.
    start
        Its position in the formula.
    """

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Position just after it."""
        return self.start + len(self.text)

    @property
    def value(self) -> str:
        """Its text without quotes."""
        return self.text[1:-1] if self.kind in ("quoted", "string") else self.text

    @property
    def is_name(self) -> bool:
        """Whether it names something: a column or a function."""
        return self.kind == "quoted" or (self.kind == "name" and self.text not in _LITERALS)

    def is_contrast(self, before: str) -> bool:
        """Tell whether it names a coding of categories, given the text of the token before it."""
        return self.kind == "name" and self.text in _CONTRASTS and before in (",", "=")


@dataclass(frozen=True)
class Piece:
    """A stretch of a formula: some of its tokens, and the whole text for errors to point at."""

    text: str
    tokens: tuple[Token, ...]

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, part: slice) -> Piece:
        return Piece(self.text, self.tokens[part])

    @property
    def start(self) -> int:
        """Position of its first token."""
        return self._written[0].start if self._written else len(self.text)

    @property
    def end(self) -> int:
        """Position after its last token."""
        return self._written[-1].end if self._written else len(self.text)

    @property
    def _written(self) -> tuple[Token, ...]:
        return tuple(t for t in self.tokens if t.start != IMPLIED)

    @property
    def source(self) -> str:
        """Its own text."""
        return self.text[self.start : self.end]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, each once, in the order of their first use."""
        return tuple(
            dict.fromkeys(t.value for before, t, after in self.neighbours() if _is_column(before, t, after))
        )

    def neighbours(self) -> Iterator[tuple[str, Token, str]]:
        """Yield each token between the texts of the one before and the one after; ``""`` at the ends."""
        texts = ["", *(t.text for t in self.tokens), ""]
        yield from zip(texts, self.tokens, texts[2:], strict=False)

    def levels(self) -> Iterator[tuple[int, Token]]:
        """Yield each token's position in the piece, where it stands outside all brackets."""
        depth = 0
        for i, token in enumerate(self.tokens):
            depth -= token.text in _CLOSING.values()
            if depth == 0:
                yield i, token
            depth += token.text in _CLOSING

    def split(self, symbol: str) -> list[Piece]:
        """Cut it at every `symbol` that stands outside all brackets."""
        cuts = [i for i, token in self.levels() if token.text == symbol and token.kind == "symbol"]
        return [self[a + 1 : b] for a, b in zip([-1, *cuts], [*cuts, len(self)], strict=True)]

    def argument(self, *functions: str) -> Piece | None:
        """Return what stands between the brackets, where the piece is one call of one of these functions."""
        head = [t.text for t in self.tokens[:2]]
        if len(head) < 2 or head[0] not in functions or head[1] != "(":
            return None
        closing = next(i for i, _ in self.levels() if i > 1)
        return self[2:-1] if closing == len(self) - 1 else None

    def error(self, problem: str, at: Token | int | None = None, **parts: str) -> FormulaError:
        """Make an error that shows the formula with a caret under a token; without one, under the piece."""
        position = self.start if at is None else at if isinstance(at, int) else at.start
        return pointing(self.text, position, problem, **parts)


def pointing(text: str, position: int, problem: str, **parts: str) -> FormulaError:
    """Make an error that shows a formula with a caret under one character.

    Examples
    --------
    >>> print(pointing("y ~ x +", 7, "Something is absent."))
    Something is absent.
        y ~ x +
               ^
    """
    line = re.sub(r"\s", " ", text)
    return build(FormulaError, f"{problem}\n    {line}\n    {' ' * position}^", **parts)


def scan(text: str) -> Piece:
    """Cut a formula into tokens.

    Raises
    ------
    FormulaError
        At a character that no formula has, a quote that is never closed, or a bracket without its partner.

    Examples
    --------
    >>> [t.text for t in scan("`odd name` ~ log(x)").tokens]
    ['`odd name`', '~', 'log', '(', 'x', ')']
    """
    tokens = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise _unexpected(text, position)
        tokens.append(Token(found.lastgroup, found.group(), position))
        position = found.end()
    piece = Piece(text, tuple(t for t in tokens if t.kind != "space"))
    _check_brackets(piece)
    return piece


def _unexpected(text: str, position: int) -> FormulaError:
    character = text[position]
    if character in "`'\"":
        return pointing(text, position, "This quote is never closed.")
    hint = {
        "^": "** for all interactions up to an order, or {x**2} for the power of a number",
        ".": "the names of the columns, written out",
        "%": "(1 | a/b) for nested groups, a:b for an interaction",
    }.get(character, "back-quotes around a column's name that has such characters")
    return pointing(text, position, f"A formula cannot have {character!r} here.", hint=hint)


def _check_brackets(piece: Piece) -> None:
    opened: list[Token] = []
    for token in piece.tokens:
        if token.text in _CLOSING:
            opened.append(token)
        elif token.text in _CLOSING.values() and (not opened or _CLOSING[opened.pop().text] != token.text):
            raise piece.error(f"This {token.text!r} closes nothing.", token)
    if opened:
        raise piece.error(f"This {opened[-1].text!r} is never closed.", opened[-1])


def is_plain_name(name: str) -> bool:
    """Tell whether a column's name needs no back-quotes wherever it stands."""
    found = _TOKEN.fullmatch(name)
    plain = found is not None and found.lastgroup == "name"
    return plain and name not in (*_LITERALS, *_CONTRASTS)


def _is_column(before: str, token: Token, after: str) -> bool:
    """Tell columns from functions, names of arguments, and contrasts given by name."""
    if not token.is_name or (token.kind == "name" and after in ("(", "=")):
        return False
    return not token.is_contrast(before)
