"""House rules of the source files: short, finished, documented."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src"
MAX_LINES = 350
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def too_long(source: str) -> list[str]:
    """A file has at most 350 lines."""
    lines = len(source.splitlines())
    return [f"{lines} lines"] if lines > MAX_LINES else []


def unfinished(source: str) -> list[str]:
    """Nothing is left for later."""
    return [f"line {n}: {line}" for n, line in enumerate(source.splitlines(), 1) if UNFINISHED.search(line)]


def undocumented(source: str) -> list[str]:
    """The file opens with its purpose; public functions, classes and methods have a docstring."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) else ["the file"]

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, Definition) and not node.name.startswith("_"):
                if not ast.get_docstring(node):
                    found.append(prefix + node.name)
                if isinstance(node, ast.ClassDef):
                    visit(node.body, f"{prefix}{node.name}.")

    visit(tree.body, "")
    return found


def repeated_names(paths: Iterable[Path]) -> list[str]:
    """A file's name says which one it is; only the record and the registry of rooms are called alike."""
    found = Counter(path.name for path in paths if path.stem not in ("__init__", "base", "registry"))
    return sorted(name for name, times in found.items() if times > 1)


RULES = (too_long, unfinished, undocumented)
FILES = sorted(SRC.rglob("*.py"))


def test_there_are_files_to_check() -> None:
    assert SRC / "partialpool" / "errors.py" in FILES


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(SRC).as_posix())
def test_the_file_keeps_the_rule(path: Path, rule: Callable[[str], list[str]]) -> None:
    assert rule(path.read_text("utf-8")) == []


def test_no_two_files_have_the_same_name() -> None:
    assert repeated_names(FILES) == []
    assert repeated_names([Path("a/cells.py"), Path("b/cells.py"), Path("a/base.py"), Path("b/base.py")]) == [
        "cells.py"
    ]


@pytest.mark.parametrize(
    ("rule", "source", "broken"),
    [
        (too_long, "\n" * MAX_LINES, 0),
        (too_long, "\n" * (MAX_LINES + 1), 1),
        (unfinished, "# TO" + "DO: later\nx = 1  # FIX" + "ME\n", 2),
        (unfinished, "METHODOLOGY = 'XXXL'\n", 0),
        (undocumented, "x = 1\n", 1),
        (undocumented, "'''Doc.'''\ndef f(): ...\nclass A:\n    '''Doc.'''\n    def g(self): ...\n", 2),
        (undocumented, "'''Doc.'''\ndef _f(): ...\nclass _A:\n    def g(self): ...\n", 0),
    ],
)
def test_the_rule_finds_what_breaks_it(rule: Callable[[str], list[str]], source: str, broken: int) -> None:
    assert len(rule(source)) == broken
