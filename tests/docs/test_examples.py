"""Every Python example of README.md and docs/ runs, one file after another, as a reader would run it."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = ("README.md", "docs/tutorial.md")
EXEMPT = ("docs/architecture.md",)  # for readers of the code: may do without examples

FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]*\S) -->\n\s*)?^```python\n(?P<code>.*?)^```$"
    r"(?:\n\n^```text\n(?P<shown>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One example: its code, the line it starts on, why it is not run, if it is not, and what it prints.

    Output is what stands in a block of text right below the code; None where nothing is shown.
    """

    code: str
    line: int
    skipped: str | None
    shown: str | None = None


def blocks(text: str) -> list[Block]:
    """Find the fenced Python blocks of a Markdown text, in order."""
    return [
        Block(m["code"], text.count("\n", 0, m.start("code")) + 1, m["reason"], m["shown"])
        for m in FENCE.finditer(text)
    ]


def run(source: list[Block], filename: str) -> dict[str, Any]:
    """Run blocks in one namespace, and compare what they print where the page shows it.

    Tracebacks point at the lines of the file.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in source:
        if block.skipped is None:
            padded = "\n" * (block.line - 1) + block.code
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(padded, filename, "exec", dont_inherit=True), namespace)
            if block.shown is not None:
                assert trimmed(printed.getvalue()) == trimmed(block.shown), f"below line {block.line}"
    return namespace


def trimmed(text: str) -> list[str]:
    """Lines without the blanks at their ends."""
    return [line.rstrip() for line in text.rstrip().splitlines()]


def pages() -> list[str]:
    """Name the pages that are checked, whether or not they exist."""
    found = {p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").glob("*.md")}
    return sorted(found.union(REQUIRED))


@pytest.mark.parametrize("page", pages())
def test_examples_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ROOT / page
    assert path.is_file(), f"{page} does not exist; it must, with Python examples that run"
    found = blocks(path.read_text(encoding="utf-8"))
    if page in EXEMPT and not found:
        return
    assert any(b.skipped is None for b in found), f"{page} has no ```python block that is run"
    monkeypatch.chdir(tmp_path)
    run(found, str(path))


def test_blocks_share_a_namespace_and_keep_their_lines() -> None:
    text = "# T\n\n```python\na = 1\n```\n\n```console\n$ no\n```\n\n```python\nb = a + 1\n```\n"
    found = blocks(text)
    assert [b.line for b in found] == [4, 12]
    assert run(found, "page.md")["b"] == 2


def test_a_block_is_skipped_only_with_a_reason() -> None:
    skipped = "<!-- not run: needs a cluster -->\n```python\n1 / 0\n```\n"
    assert [b.skipped for b in blocks(skipped)] == ["needs a cluster"]
    assert "b" not in run(blocks(skipped), "page.md")
    assert [b.skipped for b in blocks(skipped.replace("needs a cluster", ""))] == [None]


def test_a_failing_block_fails_at_its_line() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run(blocks("text\n\n```python\nx = 1\nx / 0\n```\n"), "page.md")
    assert caught.traceback[-1].lineno + 1 == 5


def test_output_that_is_shown_is_what_is_printed() -> None:
    text = "```python\nprint(1, end=' \\n')\n```\n\n```text\n1\n```\n"
    run(blocks(text), "page.md")
    with pytest.raises(AssertionError, match="below line 2"):
        run(blocks(text.replace("text\n1", "text\n2")), "page.md")
