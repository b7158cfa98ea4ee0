"""Time stanli on the same posteriors: hand-made cells, hand-written Stan, in a warm process.

The model is built from its code and data each time, as ours is from its formula and table; how long sampling
alone takes is reported too. Partial pooling is written both ways, centred and non-centred.
"""

from __future__ import annotations

import sys

import numpy as np
import stanli
from harness import measure
from problems import CHAINS, DRAWS, cells

DATA = "data { int<lower=1> J; array[J] int trials; array[J] int successes; }"

NO_POOLING = f"""{DATA}
parameters {{ vector[J] alpha; }}
model {{ alpha ~ normal(0, 1.5); successes ~ binomial_logit(trials, alpha); }}
"""
CENTRED = f"""{DATA}
parameters {{ real alpha_bar; real<lower=0> sigma; vector[J] alpha; }}
model {{
  alpha_bar ~ normal(0, 1.5); sigma ~ exponential(1);
  alpha ~ normal(alpha_bar, sigma);
  successes ~ binomial_logit(trials, alpha);
}}
"""
NON_CENTRED = f"""{DATA}
parameters {{ real alpha_bar; real<lower=0> sigma; vector[J] z; }}
transformed parameters {{ vector[J] alpha = alpha_bar + sigma * z; }}
model {{
  alpha_bar ~ normal(0, 1.5); sigma ~ exponential(1); z ~ std_normal();
  successes ~ binomial_logit(trials, alpha);
}}
"""


def main(repeats: int) -> None:
    data = cells()

    def solver(code: str, names: tuple[str, ...]):
        def solve(seed: int) -> np.ndarray:
            model = stanli.Model(stan_code=code, data=data)
            fit = model.sample(chains=CHAINS, samples=DRAWS, seed=seed, refresh=0)
            parts = [np.asarray(fit[n]).reshape(CHAINS, DRAWS, -1) for n in names]
            return np.concatenate(parts, axis=-1)

        return solve

    full = ("alpha_bar", "sigma", "alpha")
    problems = {
        "no pooling": solver(NO_POOLING, ("alpha",)),
        "partial pooling, centred": solver(CENTRED, full),
        "partial pooling, non-centred": solver(NON_CENTRED, full),
    }
    measure("stanli", stanli.__version__, problems, repeats)


if __name__ == "__main__":
    main(int(sys.argv[1]))
