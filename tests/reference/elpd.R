# Records what R's loo package says of two log likelihood matrices: Rscript elpd.R, in this folder.
# The matrices are made by a formula that test_elpd_reference.py has as well: rows i = 1..20, draws s = 1..400,
# z = qnorm(fraction(s sqrt(p_i))) with the i-th prime p_i, log p = dnorm(y_i, mean = scale_i z, log = TRUE).
library(loo)

primes <- c(2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71)
matrix_of <- function(scale) {
  y <- (1:20 %% 5 - 2) / 2
  sapply(1:20, function(i) {
    z <- qnorm((1:400 * sqrt(primes[i])) %% 1)
    dnorm(y[i], scale[i] * z, 1, log = TRUE)
  })
}

of_model <- function(values) {
  smoothed <- suppressWarnings(loo(values, r_eff = rep(1, 20)))
  variance <- suppressWarnings(waic(values))
  list(
    loo = list(
      elpd = smoothed$pointwise[, "elpd_loo"], p = smoothed$pointwise[, "p_loo"],
      pareto_k = smoothed$diagnostics$pareto_k, n_eff = smoothed$diagnostics$n_eff
    ),
    waic = list(elpd = variance$pointwise[, "elpd_waic"], p = variance$pointwise[, "p_waic"])
  )
}

rising <- matrix_of(seq(0.1, 1.3, length.out = 20))
falling <- matrix_of(seq(1.1, 0.1, length.out = 20))
both <- suppressWarnings(list(rising = loo(rising, r_eff = rep(1, 20)), falling = loo(falling, r_eff = rep(1, 20))))
differences <- loo_compare(both)
found <- list(
  version = as.character(packageVersion("loo")),
  rising = of_model(rising),
  falling = of_model(falling),
  compare = list(
    best = rownames(differences)[1], difference = differences[2, "elpd_diff"],
    se_difference = differences[2, "se_diff"],
    weights = as.numeric(stacking_weights(sapply(both, function(x) x$pointwise[, "elpd_loo"])))
  )
)
writeLines(jsonlite::toJSON(found, digits = 12, auto_unbox = TRUE, pretty = TRUE), "elpd.json")
