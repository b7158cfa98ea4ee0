# rstanarm: Stan programs compiled when the package was built. One group-level coefficient has the same prior as
# ours (gamma(1, 1) is Exponential(1)); for several its decov prior is another, so slopes are left out.

JOBS <- '{
  "no-pooling": {"rows": {"repeats": 1}},
  "partial-pooling": {"rows": {"repeats": 1}},
  "poisson-1000": {"rows": {"repeats": 0}}
}'

source("harness.R")
suppressPackageStartupMessages(library(rstanarm))

build <- function(task) as.formula(if (length(task$columns)) task$formula else "y ~ 0 + g")

fit <- function(task, formula, seed) {
  family <- list(bernoulli = binomial(), poisson = poisson())[[task$family]]
  options <- list(formula, task$data, family = family, chains = task$chains, seed = seed, refresh = 0,
                  iter = 2 * task$draws, cores = parallel::detectCores())
  if (!length(task$columns)) return(do.call(stan_glm, c(options, list(prior = normal(0, 1.5)))))
  slopes <- task$prior_sds[task$columns != "1"]
  priors <- list(prior_intercept = normal(0, task$prior_sds[1]), prior_covariance = decov(1, 1, 1, 1),
                 prior = if (length(slopes)) normal(0, slopes))
  do.call(stan_glmer, c(options, priors))
}

draws <- function(task, formula, result) {
  all <- as.array(result)
  names <- dimnames(all)[[3]]
  all <- aperm(all, c(2, 1, 3))
  if (!length(task$columns)) return(all[, , grep("^g", names), drop = FALSE])
  beta <- all[, , ifelse(task$columns == "1", "(Intercept)", task$columns), drop = FALSE]
  sd <- sqrt(all[, , grep("^Sigma", names), drop = FALSE])
  b <- all[, , grep("^b\\[", names), drop = FALSE]
  b <- b[, , monitored(task, dim(b)[3])] + as.vector(beta[, , 1])
  array(c(beta, sd, b), c(dim(b)[1:2], dim(beta)[3] + 1 + dim(b)[3]))
}

run_peer(c("rstanarm", "rstan"), TRUE, build, fit, function(task, f, r) summary(r), draws)
