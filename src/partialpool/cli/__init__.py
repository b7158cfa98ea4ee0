"""The command line: options become calls of the public interface, and results are printed."""

from partialpool.cli.commands import app

__all__ = ["app"]
