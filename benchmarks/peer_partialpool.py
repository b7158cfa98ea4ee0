"""Time partialpool on the Bangladesh models, from rows: model and fit, in a warm process."""

from __future__ import annotations

import sys

import numpy as np
from harness import measure
from problems import CHAINS, DRAWS, FORMULA, PRIORS, rows

import partialpool as pp
from partialpool.inference.nuts import sample
from partialpool.inference.options import NutsOptions, available_cores
from partialpool.model.spec import build_spec
from partialpool.pooling.designs import no_pooling


def main(repeats: int) -> None:
    table = rows()

    def partial(seed: int) -> np.ndarray:
        model = pp.Model(FORMULA, table, family="bernoulli", priors=PRIORS)
        values = model.fit(DRAWS, CHAINS, seed=seed, progress=False).draws.values
        effects = values[..., 2:] + values[..., :1]
        return np.concatenate([values[..., :2], effects], axis=-1)

    def none(seed: int) -> np.ndarray:
        model = pp.Model(FORMULA, table, family="bernoulli", priors=PRIORS)
        pooled = no_pooling(model.design, model.priors)
        spec = build_spec(pooled.design, model.family, pooled.priors)
        return sample(spec, NutsOptions(DRAWS, CHAINS, seed=seed, cores=available_cores())).values

    measure("partialpool", pp.__version__, {"no pooling": none, "partial pooling": partial}, repeats)


if __name__ == "__main__":
    main(int(sys.argv[1]))
