"""Imports travel one way: the order of the rooms, no circles, nothing hidden, heavy libraries late."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "partialpool"

# From top to bottom; "" is the package's front, its own __init__.
ROOMS = (
    "version", "errors", "kernels", "constraints", "priors", "families", "data", "formula", "model",
    "inference", "results", "storage", "predict", "checking", "scoring", "pooling", "plots", "report",
    "api", "", "cli", "__main__",
)  # fmt: skip
HEAVY = {
    "arviz", "arviz_base", "arviz_plots", "arviz_stats", "duckdb", "formulae", "ibis", "matplotlib",
    "narwhals", "polars", "pyarrow", "rich", "scipy", "typer", "vl_convert", "xarray",
}  # fmt: skip
AT_TOP_ALLOWED = {"cli": {"rich", "typer"}}  # the command line is what they are for
ONE_ROOM = {"formulae": "formula"}
LAZY_LOADERS = {"__getattr__", "__dir__"}

Sources = Mapping[str, str]  # dotted module name, "__init__" written out, to source text


@dataclass(frozen=True)
class Import:
    """One imported name.

    ``hidden``: it stands inside a function. ``runs``: importing the file executes it.
    """

    target: str
    line: int
    hidden: bool
    runs: bool


# ---- reading ---------------------------------------------------------------------------------------------


def package_sources() -> Sources:
    return {
        ".".join(("partialpool", *path.relative_to(PACKAGE).with_suffix("").parts)): path.read_text("utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def room_of(name: str) -> str:
    """Name the room of a module or of an imported name; ``""`` is the package's own front."""
    first = [*name.split("."), ""][1]
    return "" if first == "__init__" else first


def targets(node: ast.AST, module: str) -> list[str]:
    """List what a statement imports as absolute names: ``from ..a import b`` gives ``partialpool.a.b``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = module.split(".")[: -node.level] if node.level else []
    stem = ".".join([*base, *filter(None, [node.module])])
    return [f"{stem}.{alias.name}" for alias in node.names]


def is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(source: str, module: str) -> Iterator[Import]:
    """Walk every import statement of a file."""

    def walk(node: ast.AST, hidden: bool, typing: bool) -> Iterator[Import]:
        for target in targets(node, module):
            yield Import(target, getattr(node, "lineno", 0), hidden, runs=not (hidden or typing))
        inside = hidden or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inside, typing or is_for_types_only(node))

    return walk(ast.parse(source), False, False)


def own_module(target: str, modules: Sources) -> str | None:
    """Find the module of the package that an imported name lives in."""
    while target:
        for name in (target, f"{target}.__init__"):
            if name in modules:
                return name
        target = target.rpartition(".")[0]
    return None


# ---- the rules: each takes sources and lists what breaks it ------------------------------------------------


def wrong_arrows(modules: Sources) -> list[str]:
    """A room imports only from itself and from rooms above it."""
    found = []
    for module, source in modules.items():
        here = room_of(module)
        if here not in ROOMS:
            found.append(f"{module}: no room of that name; the rooms are {', '.join(filter(None, ROOMS))}")
            continue
        for used in imports(source, module):
            if used.target.split(".")[0] != "partialpool":
                continue
            there = room_of(used.target)
            if ROOMS.index(there if there in ROOMS else "") > ROOMS.index(here):
                found.append(f"{module}:{used.line} imports {used.target}, which is not above it")
    return found


def circles(modules: Sources) -> list[str]:
    """No module is reached again by following its imports."""
    graph = {
        module: {own_module(used.target, modules) for used in imports(source, module)} - {None, module}
        for module, source in modules.items()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return [" -> ".join(error.args[1])]
    return []


def hidden_imports(modules: Sources) -> list[str]:
    """Our own modules are imported at the top, by a statement; only the front may load lazily."""
    found = []
    for module, source in modules.items():
        if module == "partialpool.__init__":
            continue
        found += [
            f"{module}:{used.line} imports {used.target} inside a function"
            for used in imports(source, module)
            if used.hidden and used.target.split(".")[0] == "partialpool"
        ]
        found += [
            f"{module}:{node.lineno} imports by a call"
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Call)
            and ast.unparse(node.func).split(".")[-1] in {"import_module", "__import__"}
        ]
    return found


def heavy_at_top(modules: Sources) -> list[str]:
    """Libraries that are slow to import wait inside the function that needs them."""
    return [
        f"{module}:{used.line} imports {used.target} when it is itself imported"
        for module, source in modules.items()
        for used in imports(source, module)
        if used.runs and used.target.split(".")[0] in HEAVY - AT_TOP_ALLOWED.get(room_of(module), set())
    ]


def strayed(modules: Sources) -> list[str]:
    """``formulae`` stays in its room."""
    found = []
    for module, source in modules.items():
        for used in imports(source, module):
            library = used.target.split(".")[0]
            if room_of(module) != ONE_ROOM.get(library, room_of(module)):
                found.append(f"{module}:{used.line} imports {library}, which belongs to {ONE_ROOM[library]}/")
    return found


def logic_in_inits(modules: Sources) -> list[str]:
    """``__init__`` files name things: no classes, loops or functions but those of lazy loading."""
    plain = ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign | ast.Expr
    found = []
    for module, source in modules.items():
        if not module.endswith(".__init__"):
            continue
        for node in ast.parse(source).body:
            lazy = isinstance(node, ast.FunctionDef) and node.name in LAZY_LOADERS
            if not (isinstance(node, plain) or is_for_types_only(node) or (lazy and not room_of(module))):
                found.append(f"{module}:{node.lineno} holds logic")
    return found


RULES = (wrong_arrows, circles, hidden_imports, heavy_at_top, strayed, logic_in_inits)


@pytest.mark.parametrize("rule", RULES)
def test_the_package_keeps_the_rule(rule) -> None:
    modules = package_sources()
    assert "partialpool.errors" in modules
    assert rule(modules) == []


# ---- each rule can fail ------------------------------------------------------------------------------------

BREAKS = {
    "a room below": (wrong_arrows, {"partialpool.data.a": "from partialpool.model.layout import Layout"}, 1),
    "a room below, relatively": (wrong_arrows, {"partialpool.data.a": "from ..model import layout"}, 1),
    "for types only": (
        wrong_arrows,
        {"partialpool.data.a": "if TYPE_CHECKING:\n    from partialpool import api"},
        1,
    ),
    "the front": (wrong_arrows, {"partialpool.plots.a": "import partialpool as pp"}, 1),
    "a public name of the front": (wrong_arrows, {"partialpool.plots.a": "from partialpool import Model"}, 1),
    "an unknown room": (wrong_arrows, {"partialpool.utils.a": ""}, 1),
    "rooms above and its own": (
        wrong_arrows,
        {"partialpool.data.a": "import numpy\nfrom partialpool import errors\nfrom .b import c"},
        0,
    ),
    "the front may import all": (
        wrong_arrows,
        {"partialpool.__init__": "from partialpool.api import Model"},
        0,
    ),
    "a circle": (
        circles,
        {"partialpool.data.a": "from .b import f", "partialpool.data.b": "from partialpool.data import a"},
        1,
    ),
    "a circle through three": (
        circles,
        {
            "partialpool.data.a": "from .b import f",
            "partialpool.data.b": "from .c import f",
            "partialpool.data.c": "def g():\n    from .a import f",
        },
        1,
    ),
    "no circle": (circles, {"partialpool.data.a": "from .b import f", "partialpool.data.b": ""}, 0),
    "own import in a function": (
        hidden_imports,
        {"partialpool.api": "def f():\n    from partialpool.plots import forest"},
        1,
    ),
    "own import in a method": (
        hidden_imports,
        {"partialpool.api": "class A:\n    def f(self):\n        from .plots import forest"},
        1,
    ),
    "import by a call": (
        hidden_imports,
        {"partialpool.api": "import importlib\nimportlib.import_module('x')"},
        1,
    ),
    "a library in a function": (hidden_imports, {"partialpool.api": "def f():\n    import xarray"}, 0),
    "heavy at the top": (heavy_at_top, {"partialpool.plots.a": "import matplotlib.pyplot as plt"}, 1),
    "heavy in a try": (
        heavy_at_top,
        {"partialpool.data.a": "try:\n    from scipy import stats\nexcept E: ..."},
        1,
    ),
    "heavy in a class body": (heavy_at_top, {"partialpool.data.a": "class A:\n    import xarray"}, 1),
    "rich outside the command line": (heavy_at_top, {"partialpool.data.a": "import rich"}, 1),
    "rich in the command line": (heavy_at_top, {"partialpool.cli": "import rich, typer"}, 0),
    "heavy, late or for types": (
        heavy_at_top,
        {"partialpool.data.a": "if TYPE_CHECKING:\n    import xarray\ndef f():\n    import xarray"},
        0,
    ),
    "formulae elsewhere": (strayed, {"partialpool.data.a": "def f():\n    import formulae"}, 1),
    "formulae at home": (strayed, {"partialpool.formula.a": "import formulae"}, 0),
    "a function in an init": (logic_in_inits, {"partialpool.data.__init__": "def f(): ..."}, 1),
    "a lazy room": (logic_in_inits, {"partialpool.data.__init__": "def __getattr__(n): ..."}, 1),
    "a loop in the front": (logic_in_inits, {"partialpool.__init__": "for a in b: ..."}, 1),
    "a lazy front": (logic_in_inits, {"partialpool.__init__": "'''x'''\na = 1\ndef __getattr__(n): ..."}, 0),
}


@pytest.mark.parametrize(("rule", "modules", "broken"), BREAKS.values(), ids=BREAKS.keys())
def test_the_rule_finds_what_breaks_it(rule, modules: Sources, broken: int) -> None:
    assert len(rule(modules)) == broken


# ---- what really happens -----------------------------------------------------------------------------------

LOADED = """
import sys, importlib, pandas, numba
before = set(sys.modules)
for name in {names!r}:
    importlib.import_module(name)
print(*sorted({{n.partition(".")[0] for n in set(sys.modules) - before}}))
"""


def loaded_by(*names: str) -> set[str]:
    """Name the top-level packages that importing these modules loads, beyond what pandas and numba load."""
    script = LOADED.format(names=names)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_partialpool_loads_nothing_heavy() -> None:
    loaded = loaded_by("partialpool")
    assert "partialpool" in loaded
    assert not loaded & HEAVY


def test_importing_every_room_loads_nothing_heavy() -> None:
    names = sorted(
        name.removesuffix(".__init__")
        for name in package_sources()
        if room_of(name) not in ("cli", "__main__")
    )
    assert not loaded_by(*names) & HEAVY


def test_the_measurement_sees_a_heavy_import() -> None:
    assert "xarray" in loaded_by("xarray")
