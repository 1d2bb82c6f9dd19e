# What R's packages give on the benchmark's scores: prints CPU seconds and one value.
# Rscript evidence.R TASK SCORES.csv REPETITIONS STARTS SEED
# Seconds are measured around the call, after loading, so start-up does not count.
arguments <- commandArgs(trailingOnly = TRUE)
task <- arguments[1]
scores <- as.matrix(read.csv(arguments[2]))
repetitions <- as.integer(arguments[3])
starts <- as.integer(arguments[4])
suppressPackageStartupMessages({ library(fpc); library(cluster) })

tasks <- list(
  clusterboot = function() {
    found <- clusterboot(scores, B = repetitions, bootmethod = "boot", count = FALSE,
                         clustermethod = kmeansCBI, krange = 5, runs = starts)
    mean(found$bootmean)
  },
  prediction.strength = function() {
    found <- prediction.strength(scores, Gmin = 2, Gmax = 10, M = repetitions,
                                 clustermethod = kmeansCBI, runs = starts)
    mean(found$mean.pred[2:10])
  },
  clusGap = function() {
    found <- clusGap(scores, FUNcluster = kmeans, nstart = starts, iter.max = 300,
                     K.max = 10, B = repetitions, d.power = 2, verbose = FALSE)
    mean(found$Tab[, "gap"])
  }
)
set.seed(as.integer(arguments[5]))
before <- proc.time()
value <- suppressWarnings(tasks[[task]]())
spent <- proc.time() - before
cat(spent[["user.self"]] + spent[["sys.self"]], value, "\n")
