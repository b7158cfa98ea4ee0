"""Compile kernels once per machine, and where they are cached.

numba's disk cache watches only the file a function stands in. Our kernels are compiled
from several files, so the cache folder's name carries a hash of all of them.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba
from numba.core import sigutils
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    _CacheLocator,
    _SourceFileBackedLocatorMixin,
)
from numba.core.ccallback import CFunc
from numba.core.runtime import rtsys
from platformdirs import user_cache_dir

from partialpool.kernels.native.part_compiler import PartCompiler

PACKAGE = Path(__file__).resolve().parents[2]
COMPILED_ROOMS = ("kernels", "constraints", "families", "priors")

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
        for path in sorted((PACKAGE / room).rglob("*.py")):
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


# Two vectors of a loop at a time, and vectors for what is left of it. LLVM takes one vector where a loop is
# long: then every operation waits for the one before, and a processor sees too few operations ahead to go on
# with the next vector meanwhile.
SIDE_BY_SIDE = {"force-vector-interleave": 2, "epilogue-vectorization-force-VF": 2}
LLVM_DEFAULTS = {"force-vector-interleave": 0, "epilogue-vectorization-force-VF": 1}


# They are the process's, and LLVM has no other way to say the second: a loop's own metadata can ask for the
# first alone. So they are set only while one of our functions is compiled, with numba's lock on compiling: no
# function of a user's is compiled with them, unless by llvmlite without numba.
def _set_llvm(options: dict[str, int]) -> None:
    for name, value in options.items():
        llvmlite.binding.set_option("partialpool", f"-{name}={value}")


@contextmanager
def _side_by_side() -> Iterator[None]:
    """Have LLVM compile loops side by side; numba's lock must be held."""
    try:
        _set_llvm(SIDE_BY_SIDE)
        yield
    finally:
        _set_llvm(LLVM_DEFAULTS)


class _Native(CFunc):
    """numba's C function with a cache of our own, whose loops may be compiled side by side."""

    side_by_side = False

    def _compile_uncached(self) -> Any:
        """Compile; called with numba's lock, where the cache lacks the function."""
        if not self.side_by_side:
            return super()._compile_uncached()  # type: ignore[misc]  # numba's types leave it out
        with _side_by_side():
            return super()._compile_uncached()  # type: ignore[misc]


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
    native: Any = _Native(function, sigutils.normalize_signature(signature), locals={}, options=options)
    native._cache, native.side_by_side = _Cache(function), side_by_side
    native.compile()
    return native


class _Place(_SourceFileBackedLocatorMixin, _CacheLocator):  # type: ignore[misc]
    """Where a function of ours is cached: in our folder, whatever numba's settings say of other functions."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._py_file, self._lineno = inspect.getfile(function), function.__code__.co_firstlineno
        self._path = cache_folder() / self.get_suitable_cache_subpath(self._py_file)
        self.ensure_cache_path()

    def get_cache_path(self) -> str:
        """Return the folder."""
        return str(self._path)


class _Entry(CompileResultCacheImpl):  # type: ignore[misc]
    """How a function is kept, which is as numba does it, in our place."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._lineno, self._locator = function.__code__.co_firstlineno, _Place(function)
        name = f"{Path(inspect.getfile(function)).stem}.{function.__qualname__}"
        self._filename_base = self.get_filename_base(name, getattr(sys, "abiflags", ""))


class _Cache(FunctionCache):  # type: ignore[misc]  # its class has no types
    """numba's disk cache, which gets all of numba ready to compile only where something is compiled.

    numba's own does so before it looks a function up, which took longer than loading all that a model needs.
    """

    _impl_class = _Entry

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load a compiled function; None when the cache lacks it."""
        rtsys.initialize(target_context)  # the memory manager, which loaded functions call
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)
