"""One run of NUTS by nutpie: a compiled density in, draws out. The only file that knows nutpie."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FitError, build
from partialpool.inference.options import NutsOptions, Progress
from partialpool.kernels.density import native_density, native_draw
from partialpool.model.density import Density

MAX_DEPTH = 10
START_SPREAD = 0.5  # sd of the chains' starts, in coordinates where the posterior's is about 1


@cache
def _library() -> Any:
    """nutpie's compiled part, without its Python package.

    ``import nutpie`` imports ArviZ's legacy package and PyArrow's dataset code: seconds, of which we use
    nothing. The compiled module needs neither. nutpie's version is pinned, because this is not its public
    interface.
    """
    package = importlib.util.find_spec("nutpie")
    if package is None or not package.submodule_search_locations:
        raise build(FitError, "nutpie is not installed.", hint="pip install nutpie")
    finder = importlib.machinery.FileFinder(
        package.submodule_search_locations[0],
        (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
    )
    spec = finder.find_spec("_lib")
    assert spec is not None, "nutpie ships its compiled module"
    assert spec.loader is not None, "extension modules have a loader"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(
    density: Density, options: NutsOptions, progress: Progress | None, *, low_rank: bool
) -> tuple[NDArray[np.float64], dict[str, NDArray[Any]], bool]:
    """Run the chains once.

    Parameters
    ----------
    low_rank
        Learn during warm-up a metric of a diagonal and a few directions, in place of a diagonal.

    Returns
    -------
    (chains, draws, n_values) values, statistics, and whether the run was interrupted.
    """
    sampler = _sampler(density, options, progress, low_rank)
    interrupted = False
    try:
        sampler.wait(None)
    except KeyboardInterrupt:
        interrupted = True
        sampler.abort()
    except RuntimeError as error:
        raise _failure(density, error) from error
    except BaseException as error:
        # A panic of the compiled sampler is no Exception; anything else goes on as it is.
        if type(error).__name__ != "PanicException":
            raise
        raise _failure(density, error) from error
    batches = sampler.take_results().get_arrow_trace()
    draws, statistics = batches
    values, stats = _collect(density, draws, statistics)
    return values, stats, interrupted


def _sampler(density: Density, options: NutsOptions, progress: Progress | None, low_rank: bool) -> Any:
    lib = _library()
    kind = lib.PyNutsSettings.LowRank if low_rank else lib.PyNutsSettings.Diag
    settings = kind(options.seed)
    settings.num_tune, settings.num_draws = options.warmup, options.draws
    settings.num_chains, settings.maxdepth = options.chains, MAX_DEPTH
    settings.target_accept = options.target_accept

    def start(seed: int) -> NDArray[np.float64]:
        return np.random.default_rng(seed).normal(0.0, START_SPREAD, density.n_dim)

    table, sizes = density.table.ctypes.data, {"value": density.n_values}
    model = lib.PyMcModel(
        lib.LogpFunc(native_density().address, table, density),
        lib.ExpandFunc(density.n_dim, density.n_values, native_draw().address, table, density),
        lib.PyVariable.new_variables(["draw"], ["float64"], [[density.n_values]], sizes, {"draw": ["value"]}),
        density.n_dim,
        sizes,
        {},
        start,
        None,
    )
    return lib.PySampler.from_pymc(
        settings, options.cores, model, _progress_type(lib, options, progress), lib.PyStorage.arrow()
    )


def _progress_type(lib: Any, options: NutsOptions, progress: Progress | None) -> Any:
    """nutpie formats its progress with a template; ours holds three numbers, read back here."""
    if progress is None:
        return lib.ProgressType.none()
    total = options.chains * (options.warmup + options.draws)
    template = "{{ total_finished_draws }}|{% for chain in chains %}{{ chain.divergences }} {% endfor %}"

    def report(text: str) -> None:
        done, _, divergences = text.partition("|")
        progress(int(done), total, sum(int(d) for d in divergences.split()))

    return lib.ProgressType.template_callback(200, template, options.cores, report)


def _collect(density: Density, draws: Any, stats: Any) -> tuple[NDArray[np.float64], dict[str, NDArray[Any]]]:
    """Stack the chains without their warm-up, all of one length.

    Where they were interrupted at different points, the chains and the length that keep most draws.
    """
    past = np.array([np.sum(~_numpy(s, "tuning")) for s in stats], np.int64)
    n = max(past.tolist(), key=lambda k: k * np.sum(past >= k), default=0)
    chains = [i for i, k in enumerate(past) if k >= n]
    values = np.empty((len(chains), n, density.n_values))
    for row, i in enumerate(chains):
        flat = _flat_values(draws[i].column("draw")).reshape(-1, density.n_values)
        values[row] = flat[len(flat) - past[i] :][:n]

    def stacked(name: str) -> NDArray[Any]:
        return np.array([_numpy(stats[i], name)[stats[i].num_rows - past[i] :][:n] for i in chains])

    depth = stacked("depth").astype(np.int64)
    return values, {
        "diverging": stacked("diverging").astype(bool),
        "tree_depth": depth,
        "n_steps": stacked("n_steps").astype(np.int64),
        "energy": stacked("energy"),
        "lp": stacked("logp"),
        "step_size": stacked("step_size"),
        "acceptance_rate": stacked("mean_tree_accept"),
        "reached_max_treedepth": stacked("maxdepth_reached").astype(bool),
    }


def _numpy(batch: Any, name: str) -> NDArray[Any]:
    return np.asarray(_arrow(batch.column(name)).to_numpy(zero_copy_only=False))


def _flat_values(column: Any) -> NDArray[np.float64]:
    return np.asarray(_arrow(column).flatten().to_numpy(zero_copy_only=False))


def _arrow(column: Any) -> Any:
    import pyarrow

    return pyarrow.array(column)


def no_draws(interrupted: bool) -> FitError:
    """Make the error for a run that has no draws to keep."""
    return build(
        FitError,
        "Sampling was stopped before every chain had finished its warm-up: there are no draws to keep."
        if interrupted
        else "The chains returned no draws.",
        hint="let it run longer, or ask for fewer warm-up draws with warmup=",
    )


def _failure(density: Density, error: BaseException) -> FitError:
    value, gradient = density(np.zeros(density.n_dim))
    where = f" At the starting point the log density is {value:g}" + (
        "." if np.all(np.isfinite(gradient)) else ", and its gradient is not finite."
    )
    return build(
        FitError,
        f"The sampler failed: {str(error).splitlines()[0]}.{where}",
        hint="look for extreme values in the predictors, and for priors that exclude the data",
    )
