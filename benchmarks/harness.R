# What every peer written in R does: the same as harness.py, with draws written to the same kind of files.

suppressPackageStartupMessages(library(jsonlite))

# The task of the command line, with the problem's record and its table (a data frame; groups are factors).
read_task <- function() {
  task <- fromJSON(commandArgs(trailingOnly = TRUE)[1], simplifyVector = FALSE)
  files <- list.files(task$table, pattern = "[.]f64$", full.names = TRUE)
  columns <- lapply(files, function(f) readBin(f, "double", file.size(f) / 8, endian = "little"))
  names(columns) <- sub("[.]f64$", "", basename(files))
  task$groups <- vapply(task$factors, function(f) f$name, "")
  for (g in task$groups) columns[[g]] <- factor(columns[[g]])
  if (task$family != "gaussian") columns$y <- as.integer(columns$y)
  task$data <- as.data.frame(columns)
  task$columns <- vapply(task$terms, function(t) t[[1]], "")
  task$prior_sds <- vapply(task$terms, function(t) as.numeric(t[[2]]), 0)
  task
}

memory <- function(field) {
  line <- grep(field, readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}

# Groups of a factor whose effects are monitored, from 1; the same as Problem.monitored.
monitored <- function(task, n) {
  most <- 200 %/% length(task$groups)
  if (n <= most) seq_len(n) else ((n - 1) * (seq_len(most) - 1)) %/% (most - 1) + 1
}

# One vector of what is monitored: coefficients, sds, correlations, sigma, effects (a list of J x q matrices).
# A single factor's effects have the population's coefficient added where there is one.
monitored_vector <- function(task, beta, sds, correlations, sigma, effects) {
  own <- length(task$groups) == 1
  parts <- c(beta, sds, correlations, sigma)
  for (k in seq_along(effects)) {
    b <- effects[[k]]
    for (i in seq_len(ncol(b))) {
      at <- match(task$factors[[k]]$columns[[i]], task$columns)
      shift <- if (own && !is.na(at)) beta[at] else 0
      parts <- c(parts, b[monitored(task, nrow(b)), i] + shift)
    }
  }
  unname(parts)
}

# The lower triangle row by row, as numpy's tril_indices has it.
correlations_by_row <- function(r) t(r)[upper.tri(r)]

# Run a peer: functions build(task), sample(task, model, seed), summarise(task, model, result) and
# found(task, model, result), which gives list(mean, sd) or an array of (chains, draws, values).
run_peer <- function(packages, rebuild, build, sample, summarise, found) {
  task <- read_task()
  answer <- list(base_mib = memory("VmRSS"), build = c(), sample = c(), draws = list())
  began <- proc.time()[["elapsed"]]
  for (repeat_ in 0:task$repeats) {
    spent <- proc.time()[["elapsed"]] - began
    if (repeat_ > 0 && spent + tail(answer$sample, 1) > task$seconds) break
    if (repeat_ == 0 || rebuild) {
      answer$build <- c(answer$build, system.time(model <- build(task))[["elapsed"]])
    }
    answer$sample <- c(answer$sample, system.time(result <- sample(task, model, repeat_ + 1))[["elapsed"]])
    if (repeat_ == 0) {
      answer$peak_mib <- memory("VmHWM")
      invisible(capture.output(print(summarise(task, model, result))))
      answer$cold <- as.numeric(Sys.time()) - task$started
    }
    values <- found(task, model, result)
    if (is.array(values)) {
      name <- paste0(repeat_, ".f64")
      writeBin(as.double(aperm(values, c(3, 2, 1))), file.path(task$out, name), endian = "little")
      values <- list(file = name, shape = dim(values))
    }
    answer$draws[[repeat_ + 1]] <- values
  }
  versions <- lapply(packages, function(p) as.character(packageVersion(p)))
  answer$versions <- c(setNames(versions, packages), R = paste(R.version$major, R.version$minor, sep = "."))
  answer$build <- I(answer$build)
  answer$sample <- I(answer$sample)
  cat("\n", toJSON(answer, auto_unbox = TRUE, digits = 12, na = "null"), "\n", sep = "")
}
