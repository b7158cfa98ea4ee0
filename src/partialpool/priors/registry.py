"""All priors by name, and the text form a person types."""

from __future__ import annotations

import ast
from dataclasses import fields

from partialpool.errors import PriorError, build, unknown_name
from partialpool.priors.base import AtMeans, Prior
from partialpool.priors.gamma import Exponential, Gamma
from partialpool.priors.lkj import LKJ
from partialpool.priors.normal import HalfNormal, Normal
from partialpool.priors.student_t import Cauchy, HalfCauchy, HalfStudentT, StudentT
from partialpool.priors.uniform import Flat, Uniform

PRIORS: dict[str, type[Prior]] = {
    kind.__name__: kind
    for kind in (
        Normal,
        StudentT,
        Cauchy,
        HalfNormal,
        HalfStudentT,
        HalfCauchy,
        Exponential,
        Gamma,
        Uniform,
        Flat,
        LKJ,
        AtMeans,
    )
}


def parse_prior(text: str) -> Prior:
    """Read a prior from its text form.

    Parameters
    ----------
    text
        ``"Normal(0, Exponential(1))"``: names of priors, numbers, and nothing else.

    Raises
    ------
    PriorError
        When the text is not such a call, the name is unknown, or the parameters are impossible.

    Examples
    --------
    >>> parse_prior("Normal(0, Exponential(1))")
    Normal(mean=0, sd=Exponential(rate=1))
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise _unreadable(text) from error
    prior = _read(node, text)
    if not isinstance(prior, Prior):
        raise _unreadable(text)
    return prior


def _read(node: ast.expr, text: str) -> Prior | float:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Call(func=ast.Name(id=name)):
            if name not in PRIORS:
                raise unknown_name(PriorError, "prior", name, PRIORS)
            arguments = [_read(a, text) for a in node.args]
            named = {str(k.arg): _read(k.value, text) for k in node.keywords}
            try:
                return PRIORS[name](*arguments, **named)
            except TypeError as error:
                wanted = ", ".join(field.name for field in fields(PRIORS[name]))
                raise build(
                    PriorError, f"{text!r} gives {name} the wrong parameters.", allowed=f"{name}({wanted})"
                ) from error
    raise _unreadable(text)


def _unreadable(text: str) -> PriorError:
    return build(
        PriorError,
        f"{text!r} is not a prior.",
        allowed=", ".join(PRIORS),
        hint="Normal(0, 1.5) or Normal(0, Exponential(1))",
    )
