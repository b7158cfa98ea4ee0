"""A compiled function comes back from the disk cache; what is the process's stays as the user has it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import llvmlite.binding
import pytest
from numba import types
from numba.core import config
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock

from partialpool.kernels.native import compiling

SCRIPT = """
import sys
import numpy as np
from numba import types
from partialpool.kernels.native.compiling import compile_native

def norm(x):
    values = np.empty(4)  # memory of numba's, so that its manager must be there
    values[:] = x
    return np.sqrt((values * values).sum())

value = compile_native(norm, types.float64(types.float64)).ctypes(2.0)
print(value, "numba.np.polynomial" in sys.modules)
"""


def test_loading_prepares_nothing_to_compile(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PARTIALPOOL_CACHE_DIR": str(tmp_path)}
    said = [
        subprocess.run(
            [sys.executable, script], env=environment, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert said == [["4.0", "True"], ["4.0", "False"]]


def plain(x: float) -> float:
    return x + 1.0


def watch(monkeypatch: pytest.MonkeyPatch, inside: Callable[[], None]) -> list[tuple[str, bool]]:
    """Record LLVM's options as they are set and whether others wait; call `inside` while compiling."""
    options: list[tuple[str, bool]] = []
    compile_it = CFunc._compile_uncached

    def compile_watched(self):
        inside()
        return compile_it(self)

    monkeypatch.setattr(CFunc, "_compile_uncached", compile_watched)
    monkeypatch.setattr(
        llvmlite.binding,
        "set_option",
        lambda _, option: options.append((option, global_compiler_lock.is_locked())),
    )
    return options


BEFORE = ["-force-vector-interleave=2", "-epilogue-vectorization-force-VF=2"]
AFTER = ["-force-vector-interleave=0", "-epilogue-vectorization-force-VF=1"]


def test_settings_of_the_process_are_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """numba's folder of caches all the time; LLVM's options but while numba compiles for nobody else."""
    monkeypatch.setattr(compiling, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(config, "CACHE_DIR", "theirs")
    folders: list[str] = []
    options = watch(monkeypatch, lambda: folders.append(config.CACHE_DIR))
    signature = types.float64(types.float64)
    assert compiling.compile_native(plain, signature, side_by_side=True).ctypes(1.0) == 2.0
    assert folders == ["theirs"]
    assert options == [(option, True) for option in BEFORE + AFTER]
    assert list(tmp_path.rglob("*.nbc"))
    assert compiling.compile_native(plain, signature, side_by_side=True).ctypes(1.0) == 2.0
    assert (len(folders), len(options)) == (1, 4)  # what is loaded changes nothing


def test_settings_come_back_when_compiling_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compiling, "cache_folder", lambda: tmp_path)

    def fail() -> None:
        raise KeyboardInterrupt

    options = watch(monkeypatch, fail)
    with pytest.raises(KeyboardInterrupt):
        compiling.compile_native(plain, types.float64(types.float64), side_by_side=True)
    assert [option for option, _ in options] == BEFORE + AFTER
    assert not global_compiler_lock.is_locked()


def test_a_users_own_places_for_caches_are_not_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compiling, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(config, "CACHE_LOCATOR_CLASSES", "InTreeCacheLocator")
    compiling.compile_native(plain, types.float64(types.float64))
    assert list(tmp_path.rglob("*.nbc"))
