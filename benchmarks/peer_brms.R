# brms: writes a Stan program, compiles it with rstan (reported apart) and samples.

JOBS <- '{
  "partial-pooling": {"rows": {"repeats": 1}},
  "slopes": {"rows": {"repeats": 0}},
  "poisson-1000": {"rows": {"repeats": 0}}
}'

source("harness.R")
suppressPackageStartupMessages(library(brms))
# Debian's BH package has no headers: they are the system's.
if (!file.exists(rstan::rstan_options("boost_lib"))) invisible(rstan::rstan_options(boost_lib = "/usr/include"))

# "0 + Intercept" keeps the intercept's prior at the predictors' zero, as the problem says.
build <- function(task) {
  formula <- as.formula(sub("~ 1", "~ 0 + Intercept", task$formula))
  family <- list(bernoulli = bernoulli(), poisson = poisson(), gaussian = gaussian())[[task$family]]
  names <- ifelse(task$columns == "1", "Intercept", task$columns)
  priors <- set_prior("exponential(1)", class = "sd")
  for (i in seq_along(names)) {
    text <- sprintf("normal(0, %g)", task$prior_sds[i])
    priors <- priors + set_prior(text, class = "b", coef = names[i])
  }
  if (length(task$factors[[1]]$columns) > 1) priors <- priors + set_prior("lkj(2)", class = "cor")
  brm(formula, task$data, family = family, prior = priors, chains = 0, silent = 2, refresh = 0)
}

fit <- function(task, model, seed) {
  update(model, chains = task$chains, iter = 2 * task$draws, cores = parallel::detectCores(), seed = seed,
         recompile = FALSE, refresh = 0, silent = 2)
}

draws <- function(task, model, result) {
  all <- aperm(as.array(result), c(2, 1, 3))
  names <- dimnames(all)[[3]]
  beta <- all[, , grep("^b_", names), drop = FALSE]
  sd <- all[, , grep("^sd_", names), drop = FALSE]
  cor <- all[, , grep("^cor_", names), drop = FALSE]
  parts <- c(beta, sd, cor)
  for (k in seq_along(task$factors[[1]]$columns)) {
    column <- task$factors[[1]]$columns[[k]]
    own <- all[, , grep(sprintf(",%s\\]$", if (column == "1") "Intercept" else column), names), drop = FALSE]
    own <- own[, , monitored(task, dim(own)[3]), drop = FALSE]
    parts <- c(parts, own + as.vector(beta[, , match(column, task$columns)]))
  }
  array(parts, c(dim(all)[1:2], length(parts) / prod(dim(all)[1:2])))
}

run_peer(c("brms", "rstan"), FALSE, build, fit, function(task, m, r) summary(r), draws)
