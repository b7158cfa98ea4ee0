"""Compile kernels once per machine, and where they are cached.

numba's disk cache watches only the file a function stands in. Our kernels are compiled
from several files, so the cache folder's name carries a hash of all of them.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba
from numba.core import config, sigutils
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc
from numba.core.runtime import rtsys
from platformdirs import user_cache_dir

from partialpool.kernels.parts import PartCompiler

PACKAGE = Path(__file__).resolve().parent.parent
COMPILED_ROOMS = ("kernels", "families", "priors")

# Sums may be reordered so that they vectorise; infinities and NaN keep their meaning.
FASTMATH = {"reassoc", "contract", "nsz", "arcp"}

# Kernels are called by other kernels only: parts of them, without wrappers for Python. All that a C function
# calls is put into it: an array is passed as seven numbers, which took a third of a small model's gradient.
kernel = numba.njit(
    error_model="numpy",
    fastmath=FASTMATH,
    forceinline=True,
    no_cpython_wrapper=True,
    no_cfunc_wrapper=True,
    pipeline_class=PartCompiler,
)
# Scalar functions must be inlined for good: one call left in a loop and it runs a cell at a time, ten times
# slower.
inlined = numba.extending.register_jitable(error_model="numpy", fastmath=FASTMATH, forceinline=True)


@cache
def sources_hash() -> str:
    """Hash of every source file that kernels are compiled from, of the compiler and the processor.

    Of where the files are and when they changed, too: numba compiles anew when one of these differs, and it
    would do so unannounced in a folder that is said to be complete.
    """
    digest = hashlib.sha256(f"{numba.__version__} {llvmlite.binding.get_host_cpu_name()} {PACKAGE}".encode())
    for room in COMPILED_ROOMS:
        for path in sorted((PACKAGE / room).glob("*.py")):
            digest.update(f"{path.name} {path.stat().st_mtime_ns}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def cache_folder() -> Path:
    """Folder of the compiled kernels, made when it is not there.

    ``PARTIALPOOL_CACHE_DIR`` overrides its parent. Where that cannot be written, a temporary folder takes
    its place.
    """
    name = f"kernels-{sources_hash()}"
    wanted = Path(os.environ.get("PARTIALPOOL_CACHE_DIR") or user_cache_dir("partialpool")) / name
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=wanted):
            return wanted
    except OSError:
        # A folder of this process's own: what is loaded from a cache is code, so nobody else may write it.
        return Path(tempfile.mkdtemp(prefix="partialpool-"))


_LOCK = threading.RLock()  # numba's setting is one for the process


@contextmanager
def _numba_cache() -> Iterator[None]:
    """Send the caches of functions defined inside to our folder, and only those."""
    before = config.CACHE_DIR
    config.CACHE_DIR = str(cache_folder())
    try:
        yield
    finally:
        config.CACHE_DIR = before


# Two vectors of a loop at a time, and vectors for what is left of it. LLVM takes one vector where a loop is
# long: then every operation waits for the one before, and a processor sees too few operations ahead to go on
# with the next vector meanwhile.
SIDE_BY_SIDE = {"force-vector-interleave": 2, "epilogue-vectorization-force-VF": 2}
LLVM_DEFAULTS = {"force-vector-interleave": 0, "epilogue-vectorization-force-VF": 1}


def _set_llvm(options: dict[str, int]) -> None:
    for name, value in options.items():
        llvmlite.binding.set_option("partialpool", f"-{name}={value}")


@contextmanager
def _loops(side_by_side: bool) -> Iterator[None]:
    """Compile loops side by side or as LLVM would; its options are the process's."""
    if not side_by_side:
        yield
        return
    _set_llvm(SIDE_BY_SIDE)
    try:
        yield
    finally:
        _set_llvm(LLVM_DEFAULTS)


def compile_native(function: Callable[..., Any], signature: Any, side_by_side: bool = False) -> Any:
    """Compile a function to a C function pointer, or load it from the disk cache.

    Parameters
    ----------
    function
        A function in numba's subset. What it captures must be plain functions.
    signature
        Its numba signature.
    side_by_side
        Whether its loops are to handle two vectors at a time.

    Returns
    -------
    numba's CFunc; ``.address`` is the pointer. It must be kept alive while in use.
    """
    options = {"error_model": "numpy", "fastmath": FASTMATH}
    with _LOCK, _numba_cache(), _loops(side_by_side):
        native: Any = CFunc(function, sigutils.normalize_signature(signature), locals={}, options=options)
        native._cache = _Cache(function)
        native.compile()
        return native


class _Cache(FunctionCache):  # type: ignore[misc]  # its class has no types
    """numba's disk cache, which gets all of numba ready to compile only where something is compiled.

    numba's own does so before it looks a function up, which took longer than loading all that a model needs.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load a compiled function; None when the cache lacks it."""
        rtsys.initialize(target_context)  # the memory manager, which loaded functions call
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)
