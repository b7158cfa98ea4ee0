"""``python -m partialpool`` is ``partialpool``."""

from __future__ import annotations

from partialpool.cli import app

if __name__ == "__main__":
    app(prog_name="partialpool")
