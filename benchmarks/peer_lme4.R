# lme4: maximum likelihood (REML for gaussian), a point estimate with conditional modes; no priors, no posterior.

JOBS <- '{
  "partial-pooling": {"rows": {"repeats": 5}},
  "slopes": {"rows": {"repeats": 1}},
  "million": {"rows": {"repeats": 0}},
  "poisson-1000": {"rows": {"repeats": 2}},
  "poisson-10000": {"rows": {"repeats": 1}},
  "poisson-100000": {"rows": {"repeats": 0}},
  "insteval": {"rows": {"repeats": 2}},
  "ladder-1000": {"rows": {"repeats": 2}},
  "ladder-10000": {"rows": {"repeats": 1}},
  "ladder-100000": {"rows": {"repeats": 0}},
  "ladder-1000000": {"rows": {"repeats": 0}}
}'

source("harness.R")
suppressPackageStartupMessages(library(lme4))

build <- function(task) as.formula(task$formula)

fit <- function(task, formula, seed) {
  if (task$family == "gaussian") return(lmer(formula, task$data))
  glmer(formula, task$data, family = if (task$family == "bernoulli") binomial else poisson)
}

estimates <- function(task, formula, result) {
  terms <- VarCorr(result)[task$groups]
  sds <- unlist(lapply(terms, function(v) attr(v, "stddev")))
  correlations <- unlist(lapply(terms, function(v) correlations_by_row(attr(v, "correlation"))))
  sigma <- if (task$family == "gaussian") sigma(result)
  effects <- lapply(ranef(result, condVar = FALSE)[task$groups], as.matrix)
  mean <- monitored_vector(task, fixef(result), sds, correlations, sigma, effects)
  se <- sqrt(diag(as.matrix(vcov(result))))
  list(mean = mean, sd = c(se, rep(NA, length(mean) - length(se))))
}

run_peer(c("lme4", "Matrix"), TRUE, build, fit, function(task, f, r) summary(r), estimates)
