"""What there is to run: every peer's file says which problems it solves, and with how much effort."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SECONDS = 600.0
DEFAULTS = {"repeats": 3, "draws": 1000, "chains": 4, "warmup": None, "limit": SECONDS}
R_JOBS = re.compile(r"^JOBS <- '(.*?)'$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """One peer, in one variant, on one problem. `repeats` warm fits follow the cold one; `limit` in s."""

    problem: str
    peer: str
    variant: str
    repeats: int
    draws: int
    chains: int
    warmup: int | None
    limit: float = SECONDS

    @property
    def label(self) -> str:
        """How tables call it."""
        return f"{self.peer} ({self.variant})" if self.variant else self.peer


def peers() -> dict[str, Path]:
    """Every peer's file by the peer's name."""
    found = [*HERE.glob("peer_*.py"), *HERE.glob("peer_*.R")]
    return {path.stem.removeprefix("peer_"): path for path in sorted(found)}


def declared(path: Path) -> dict[str, dict[str, dict[str, object]]]:
    """The JOBS of a file, read without running it: {problem: {variant: what differs from DEFAULTS}}."""
    text = path.read_text("utf-8")
    if path.suffix == ".R":
        return json.loads(R_JOBS.search(text)[1])  # type: ignore[index]
    known: dict[str, object] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name.isupper():
                known[name] = _literal(node.value, known)
    return known["JOBS"]  # type: ignore[return-value]


def _literal(node: ast.expr, known: dict[str, object]) -> object:
    """A literal in which names of earlier literals may stand."""
    if isinstance(node, ast.Name):
        return known[node.id]
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {_literal(k, known): _literal(v, known) for k, v in pairs if k is not None}
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def all_jobs() -> list[Job]:
    """Every job of every peer."""
    return [
        Job(problem, peer, variant, **{**DEFAULTS, **effort})
        for peer, path in peers().items()
        for problem, variants in declared(path).items()
        for variant, effort in variants.items()
    ]
