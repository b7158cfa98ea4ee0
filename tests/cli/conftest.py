"""Running commands as a person would: their exit code, what they print, and where."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from partialpool.cli import app


@pytest.fixture
def run(monkeypatch):
    """Run a command, piped, on a page of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("FORCE_COLOR", "NO_COLOR", "GITHUB_ACTIONS", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)

    def run_command(*arguments: str):
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="partialpool")

    return run_command
