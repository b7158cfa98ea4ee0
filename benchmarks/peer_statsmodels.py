"""statsmodels: variational Bayes; its priors are normal, for log sds too, so its posterior is another."""

from __future__ import annotations

import sys
from typing import Any

import harness
import numpy as np
import scipy.sparse as sp
from datasets import groups
from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM, PoissonBayesMixedGLM

JOBS = {
    "partial-pooling": {"variational Bayes": {"repeats": 2}},
    "poisson-1000": {"variational Bayes": {"repeats": 1}},
}
REBUILD = True


def build(task: harness.Task, table: dict[str, np.ndarray]) -> Any:
    """The model, with a sparse matrix of groups."""
    index, n_groups = groups(table, task.problem.factors[0].name)
    n = len(index)
    group = sp.csr_matrix((np.ones(n), (np.arange(n), index)), (n, n_groups))
    fixed = np.column_stack([np.ones(n) if c == "1" else table[c] for c, _ in task.problem.terms])
    kind = BinomialBayesMixedGLM if task.problem.family == "bernoulli" else PoissonBayesMixedGLM
    return kind(table["y"], fixed, group, np.zeros(n_groups, int), vcp_p=1.0, fe_p=1.5)


def sample(task: harness.Task, model: Any, seed: int) -> Any:
    """The variational fit; it draws nothing."""
    np.random.seed(seed)  # noqa: NPY002  its starting point comes from numpy's global generator
    return model.fit_vb()


def summary(task: harness.Task, model: Any, result: Any) -> Any:
    """The table of coefficients and log sds."""
    return result.summary()


def draws(task: harness.Task, model: Any, result: Any) -> dict[str, np.ndarray]:
    """Posterior means and sds; those of sd and of the groups' own coefficients are worked out from them."""
    beta, beta_sd = result.fe_mean, result.fe_sd
    scale, scale_sd = result.vcp_mean, result.vcp_sd
    sd = np.exp(scale + scale_sd**2 / 2)
    chosen = task.problem.monitored(len(result.vc_mean))
    own, own_sd = result.vc_mean[chosen] + beta[0], np.hypot(result.vc_sd[chosen], beta_sd[0])
    sds = [beta_sd, sd * np.sqrt(np.expm1(scale_sd**2)), own_sd]
    return {"mean": np.concatenate([beta, sd, own]), "sd": np.concatenate(sds)}


if __name__ == "__main__":
    harness.run(sys.modules[__name__], ("statsmodels", "numpy"))
