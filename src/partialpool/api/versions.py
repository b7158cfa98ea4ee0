"""Versions of the packages that affect results."""

from __future__ import annotations

import importlib.metadata
import platform

from partialpool.version import __version__

LIBRARIES = ("numpy", "numba", "formulae", "pandas", "xarray", "arviz-stats", "matplotlib")


def versions() -> dict[str, str]:
    """Return the versions of the packages that affect results.

    Examples
    --------
    >>> sorted(versions())[:3]
    ['Python', 'arviz-stats', 'formulae']
    """
    found = {"partialpool": __version__, "Python": platform.python_version()}
    return found | {name: importlib.metadata.version(name) for name in LIBRARIES}
