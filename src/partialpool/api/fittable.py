"""A checked model that can be fitted, made from a table, a pooling or a file."""

from __future__ import annotations

import os

from partialpool.api.fit import Fit
from partialpool.api.sampling import chosen_options, draw, draw_into
from partialpool.api.view import ModelView
from partialpool.inference.options import Method, NutsOptions, chosen_seed
from partialpool.inference.prior import sample_prior
from partialpool.model.variation import require_variation
from partialpool.storage.draw_store import create_store
from partialpool.storage.files import alone


class Fittable(ModelView):
    """A model from which draws can be made."""

    def fit(
        self,
        draws: int = 1000,
        chains: int = 4,
        seed: int | None = None,
        *,
        method: Method = "nuts",
        warmup: int | None = None,
        cores: int | None = None,
        target_accept: float | None = None,
        store: str | os.PathLike[str] | None = None,
        progress: bool = True,
    ) -> Fit:
        """Draw from the posterior, with NUTS or by a nested Laplace approximation.

        Parameters
        ----------
        draws, chains
            Draws kept of each chain, and chains. Those of ``"laplace"`` are independent, draws x chains in
            all.
        seed
            The same seed gives the same draws for any number of cores. None takes a random seed, which the
            fit stores.
        method
            ``"nuts"`` samples. ``"laplace"`` integrates the group effects out instead, for gaussian outcomes
            exactly, and otherwise by an approximation that :meth:`Fit.diagnose` checks. It is fastest with
            one grouping factor and one effect a group; with slopes or crossed factors on small tables
            ``"nuts"`` can be faster.
        warmup
            Of ``"nuts"``: maximum number of warm-up draws of each chain; None for 1,000. Warm-up ends when
            step size and metric have settled and the chains agree, often after 100. ``fit.draws.warmup`` is
            the number of draws it took.
        cores
            Processors to use; None for all that this process may use. Each runs a chain. With ``"nuts"`` and
            some 20,000 cells or more, those beyond the number of chains compute parts of the gradients.
        target_accept
            Of ``"nuts"``: acceptance rate the step size is tuned for; None chooses. Rarely worth changing:
            when transitions diverge, the chains run again with smaller steps automatically.
        store
            Of ``"nuts"``: a new file to which draws are written during sampling. The finished file is the one
            that :meth:`Fit.save` would write. If the process ends early, :func:`partialpool.resume` continues
            from the file and gives the same draws.
        progress
            Show a progress bar.

        Returns
        -------
        The fit. Ctrl-C ends sampling early: the fit then has the draws made until then, the same number of
        each chain.

        Raises
        ------
        OptionError
            When there is no such method, a number is impossible, or an argument is of the other method.
        FitError
            When sampling cannot start.
        FamilyError
            When a gaussian outcome is constant, so that its residual sd cannot be estimated.
        DataError
            When the model is of a fit that was saved without its rows.
        FileError
            When the store is there already, or cannot be written.
        """
        self.design.require_rows("Sampling")
        require_variation(self.spec)
        options = chosen_options(method, draws, chains, seed, warmup, cores, target_accept, store)
        if store is None or not isinstance(options, NutsOptions):
            return Fit(self, draw(self.spec, options, "sampling", progress))
        into = create_store(store, self.spec, self.name, self.formula, self.recipe, options)
        with alone(into.path):
            return Fit(self, draw_into(into, progress).fitted.draws)

    def sample_prior(self, draws: int = 1000, seed: int | None = None) -> Fit:
        """Draw every parameter from its prior, without using the outcomes.

        Parameters
        ----------
        draws
            How many, independent of each other.
        seed
            The same seed gives the same draws; None takes a random seed, which the fit stores.

        Returns
        -------
        A fit whose draws are the prior's: ``.check()`` is then a prior predictive check.

        Raises
        ------
        PriorError
            When a prior is improper (Flat).
        OptionError
            When a number is impossible.
        DataError
            When the model is of a fit that was saved without its rows.
        """
        self.design.require_rows("Sampling from the prior")
        return Fit(self, sample_prior(self.spec, draws, chosen_seed(seed)))
