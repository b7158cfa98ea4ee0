# glmmTMB: maximum likelihood by automatically differentiated Laplace; a point estimate, no priors.

JOBS <- '{
  "partial-pooling": {"rows": {"repeats": 3}},
  "slopes": {"rows": {"repeats": 1}},
  "million": {"rows": {"repeats": 0}},
  "poisson-1000": {"rows": {"repeats": 1}},
  "poisson-10000": {"rows": {"repeats": 1}},
  "poisson-100000": {"rows": {"repeats": 0}},
  "insteval": {"rows": {"repeats": 0}},
  "ladder-1000": {"rows": {"repeats": 1}},
  "ladder-10000": {"rows": {"repeats": 1}},
  "ladder-100000": {"rows": {"repeats": 0}},
  "ladder-1000000": {"rows": {"repeats": 0}}
}'

source("harness.R")
suppressPackageStartupMessages(suppressWarnings(library(glmmTMB)))

build <- function(task) as.formula(task$formula)

fit <- function(task, formula, seed) {
  family <- list(bernoulli = binomial(), poisson = poisson(), gaussian = gaussian())[[task$family]]
  glmmTMB(formula, task$data, family = family, REML = task$family == "gaussian")
}

estimates <- function(task, formula, result) {
  terms <- VarCorr(result)$cond[task$groups]
  sds <- unlist(lapply(terms, function(v) attr(v, "stddev")))
  correlations <- unlist(lapply(terms, function(v) correlations_by_row(attr(v, "correlation"))))
  sigma <- if (task$family == "gaussian") sigma(result)
  effects <- lapply(ranef(result)$cond[task$groups], as.matrix)
  mean <- monitored_vector(task, fixef(result)$cond, sds, correlations, sigma, effects)
  se <- sqrt(diag(as.matrix(vcov(result)$cond)))
  list(mean = mean, sd = c(se, rep(NA, length(mean) - length(se))))
}

run_peer(c("glmmTMB", "TMB"), TRUE, build, fit, function(task, f, r) summary(r), estimates)
