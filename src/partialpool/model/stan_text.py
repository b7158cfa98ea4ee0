"""Pieces of Stan text: valid identifiers made of any names, and blocks of lines with aligned comments."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

WIDEST_ALIGNED = 64  # longer lines do not push the comments of the others to the right
LINE_LENGTH = 100
NEW_LINE = "\n  "

_STAN_WORDS = """
for in while repeat until if then else true false target int real complex vector simplex unit_vector
sum_to_zero_vector sum_to_zero_matrix ordered positive_ordered row_vector matrix complex_vector
complex_row_vector complex_matrix corr_matrix cov_matrix cholesky_factor_corr cholesky_factor_cov
column_stochastic_matrix row_stochastic_matrix array tuple functions model data parameters quantities
transformed generated profile return break continue void lower upper offset multiplier print reject
fatal_error truncate jacobian get_lp struct typedef export extern var static auto
"""
_C_WORDS = """
alignas alignof and and_eq asm bitand bitor bool case catch char class compl const constexpr const_cast
decltype default delete do double dynamic_cast enum explicit float friend goto inline long mutable
namespace new noexcept not not_eq nullptr operator or or_eq private protected public register
reinterpret_cast short signed sizeof static_assert static_cast switch template this thread_local throw
try typeid typename union unsigned using virtual volatile wchar_t xor xor_eq fvar STAN_MAJOR STAN_MINOR
STAN_PATCH
"""
# What the programs themselves say, besides what families and priors do.
_OUR_WORDS = """
N n trials weights units mean sum exp append_row cholesky_decompose diag_pre_multiply dot_product
multiply_lower_tri_self_transpose rep_vector rows_dot_product std_normal to_vector
"""
RESERVED = frozenset(f"{_STAN_WORDS} {_C_WORDS} {_OUR_WORDS}".split())


def sanitised(name: str) -> str:
    """Turn any name into letters, digits and underscores that may begin a Stan identifier.

    Examples
    --------
    >>> sanitised("log(größe + 1)|use.contraception")
    'log_groe_1_use_contraception'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")
    return words if words[:1].isalpha() else f"v{words}"


class Identifiers:
    """Gives each name an identifier of its own.

    Parameters
    ----------
    reserved
        Words of the program that no name may take, besides Stan's.

    Examples
    --------
    >>> identifiers = Identifiers(["mu"])
    >>> [identifiers.new(name) for name in ("a.b", "a b", "for", "mu")]
    ['a_b', 'a_b_2', 'for_2', 'mu_2']
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = set(RESERVED) | set(reserved)

    def new(self, name: str) -> str:
        """Make an identifier that nothing else has."""
        wanted = found = sanitised(name)
        number = 2
        while found in self._taken:
            found = f"{wanted}_{number}"
            number += 1
        self._taken.add(found)
        return found


@dataclass
class StanBlock:
    """One block of a program, filled line by line."""

    title: str
    lines: list[tuple[str, str]] = field(default_factory=list)

    def add(self, code: str, comment: str = "") -> None:
        """Append a line with what stands behind ``//``."""
        self.lines.append((code, " ".join(comment.split())))

    def note(self, text: str) -> None:
        """Append a line that is a comment."""
        self.lines.append((f"// {' '.join(text.split())}", ""))

    def text(self) -> str:
        """Render the block; empty when it has no lines."""
        if not self.lines:
            return ""
        widths = [len(code) for code, comment in self.lines if comment]
        width = max((w for w in widths if w <= WIDEST_ALIGNED), default=0)
        shown = [f"{code:<{width}}  // {comment}" if comment else code for code, comment in self.lines]
        body = "\n".join(f"  {line}".rstrip() for text in shown for line in text.split("\n"))
        return f"{self.title} {{\n{body}\n}}\n"


def listed(start: str, between: str, terms: Sequence[str], stop: str) -> str:
    """Write ``start a, b, c stop`` on one line, or an item a line where that is too long.

    Examples
    --------
    >>> listed("vector[N] mu = ", " + ", ["Intercept", "b_x * x"], ";")
    'vector[N] mu = Intercept + b_x * x;'
    """
    line = f"{start}{between.join(terms)}{stop}"
    if len(line) <= LINE_LENGTH:
        return line
    return f"{start}{between.replace(' ', NEW_LINE, 1).join(terms)}{stop}"


def broken(start: str, stop: str) -> str:
    """Write ``start stop`` on one line, or on two where that is too long."""
    return f"{start} {stop}" if len(start) + len(stop) < LINE_LENGTH else f"{start}{NEW_LINE}{stop}"
