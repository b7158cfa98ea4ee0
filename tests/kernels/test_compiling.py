"""A compiled function comes back from the disk cache, without what only compiling needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
import numpy as np
from numba import types
from partialpool.kernels.compiling import compile_native

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
