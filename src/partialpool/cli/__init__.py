"""The command line: what was typed becomes calls of the public interface, and results become a screenful."""

from partialpool.cli.commands import app

__all__ = ["app"]
