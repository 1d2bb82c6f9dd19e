# What R answers about the tables of this folder, for the tests of the helpers.
#
#   python tables.py      # writes the tables
#   Rscript answers.R     # writes r_answers.json; about half a minute
#
# Keys of r_answers.json
#   versions            R and packages
#   max_se              made-up gaps and standard errors, and k by every rule of
#                       cluster::maxSE (SE.factor 1)
#   iris, planted, cloud
#     ward              labels (1..k) of hclust "ward.D2" at k = 1..8: one list a k
#     log_w             clusGap's logW of those labels, power 2, k = 1..8
#     gap               clusGap with k-means (20 starts), power 2, box of the principal
#                       components, 200 draws: log_w, expected, gap, se; k = 1..8.
#                       Expected and gap hang on R's random numbers: compare loosely
#     max_se            k by every rule on that gap table
#     dip               diptest of all distances and of the first principal component
#                       (centred, not scaled): statistic and p
#     bic               mclust's BIC (MORE is better), one list a model for G = 1..6;
#                       null where mclust gives no answer. VII is scikit-learn's
#                       "spherical", VVI "diag", EEE "tied", VVV "full"
#     bic_start         the same after EM started from the Ward labels (k = G)
#     silhouette        mean width of the Ward labels, k = 2..8 (cluster::silhouette)
#     calinski_harabasz of the Ward labels, k = 2..8 (fpc::calinhara)
#     adjusted_rand     of Ward labels k with k + 1, k = 2..7 (fpc::cluster.stats)
#     pam               cluster::pam of Gower distances, k = 2..6: objective after swap
#                       (mean distance to the medoid) and medoids (rows from 1)
#     gower             first 10 rows of daisy's Gower distances: the lower triangle by
#                       columns, as dist() keeps it
#     prediction_strength  fpc, k-means with 10 starts, 100 splits: mean and sd over the
#                       splits of the mean over both halves, k = 2..5
#     clusterboot       fpc, k-means with 10 starts, 100 bootstrap samples, k = 2..5: sizes,
#                       mean Jaccard, times dissolved (<= 0.5) and recovered (> 0.75);
#                       clusters sorted by mean Jaccard, least first
#     kmeans            best of 100 starts, k = 2..6: total within sum of squares
#     eigenvalues       of the covariance (n - 1)

suppressPackageStartupMessages({
  library(cluster); library(fpc); library(mclust); library(diptest)
})

RULES <- c("firstSEmax", "Tibs2001SEmax", "globalSEmax", "firstmax", "globalmax")

every_rule <- function(gap, se)
  as.list(sapply(RULES, function(rule) maxSE(gap, se, method = rule)))

made_up <- list(
  rising    = list(gap = c(.1, .2, .3, .4, .5),      se = c(.02, .02, .02, .02, .02)),
  falling   = list(gap = c(.5, .4, .3, .2, .1),      se = c(.02, .02, .02, .02, .02)),
  one_peak  = list(gap = c(.1, .3, .6, .5, .4),      se = c(.02, .02, .02, .02, .02)),
  near_peak = list(gap = c(.1, .3, .58, .6, .4),     se = c(.02, .02, .02, .03, .02)),
  dip_first = list(gap = c(.3, .2, .5, .6, .55),     se = c(.05, .05, .02, .02, .02)),
  wide      = list(gap = c(.30, .32, .33, .31, .35), se = c(.05, .05, .05, .05, .05)),
  equal     = list(gap = c(.2, .2, .2, .2, .2),      se = c(.01, .01, .01, .01, .01)),
  uneven    = list(gap = c(.30, .34, .50, .49, .40), se = c(.01, .05, .02, .04, .01)),
  plateau   = list(gap = c(.10, .30, .30, .60, .20), se = c(.02, .02, .02, .02, .02)),
  exact     = list(gap = c(.25, .50, .75, .50, .25), se = c(.25, .25, .25, .25, .25))
)

ward_of <- function(x) hclust(dist(x), "ward.D2")

log_w <- function(x) {
  by_ward <- function(x, k) list(cluster = cutree(ward_of(x), k))
  # One draw: only the part that hangs on nothing random is kept.
  unname(clusGap(x, by_ward, K.max = 8, B = 1, d.power = 2,
                 verbose = FALSE)$Tab[, "logW"])
}

gap_of <- function(x) {
  set.seed(1)
  found <- clusGap(x, kmeans, K.max = 8, B = 200, d.power = 2, nstart = 20,
                   iter.max = 50, spaceH0 = "scaledPCA", verbose = FALSE)$Tab
  as.list(setNames(as.data.frame(found), c("log_w", "expected", "gap", "se")))
}

dip_of <- function(values) {
  found <- dip.test(as.vector(values))
  list(statistic = unname(found$statistic), p = found$p.value)
}

bic_of <- function(x) {
  found <- mclustBIC(x, G = 1:6, modelNames = c("EII", "VII", "VVI", "EEE", "VVV"),
                     verbose = FALSE)
  lapply(setNames(colnames(found), colnames(found)), function(m) unname(found[, m]))
}

bic_from <- function(x, labels) {
  one <- function(model, z) {
    found <- me(data = x, modelName = model, z = unmap(z),
                control = emControl(tol = c(1e-10, 1e-10), itmax = c(5000, 5000)))
    if (is.null(found$loglik)) NA else bic(model, found$loglik, nrow(x), ncol(x), found$G)
  }
  models <- c("VII", "VVI", "EEE", "VVV")
  lapply(setNames(models, models), function(m) sapply(labels[1:6], one, model = m))
}

pam_of <- function(apart, k) {
  found <- pam(apart, k)
  list(objective = unname(found$objective["swap"]), medoids = found$id.med)
}

strength_of <- function(x) {
  set.seed(2)
  found <- prediction.strength(x, Gmin = 2, Gmax = 5, M = 100,
                               clustermethod = kmeansCBI, runs = 10)
  list(mean = found$mean.pred[2:5], sd = sapply(found$predcorr[2:5], sd))
}

boot_of <- function(x, k) {
  set.seed(3)
  found <- clusterboot(x, B = 100, bootmethod = "boot", clustermethod = kmeansCBI,
                       krange = k, runs = 10, count = FALSE)
  order <- order(found$bootmean)
  list(size = as.integer(table(found$partition))[order], mean = found$bootmean[order],
       dissolved = found$bootbrd[order], recovered = found$bootrecover[order])
}

inertia_of <- function(x, k) {
  set.seed(4)
  kmeans(x, k, nstart = 100, iter.max = 100)$tot.withinss
}

answers_about <- function(name) {
  x <- as.matrix(read.csv(paste0(name, ".csv")))
  apart <- dist(x)
  labels <- lapply(1:8, function(k) cutree(ward_of(x), k))
  gower <- daisy(as.data.frame(x), "gower")
  gap <- gap_of(x)
  list(
    ward = lapply(labels, unname),
    log_w = log_w(x),
    gap = gap,
    max_se = every_rule(gap$gap, gap$se),
    dip = list(distances = dip_of(apart), first = dip_of(prcomp(x)$x[, 1])),
    bic = bic_of(x),
    bic_start = bic_from(x, labels),
    silhouette = sapply(2:8, function(k) mean(silhouette(labels[[k]], apart)[, 3])),
    calinski_harabasz = sapply(2:8, function(k) calinhara(x, labels[[k]])),
    adjusted_rand = sapply(2:7, function(k)
      cluster.stats(apart, labels[[k]], labels[[k + 1]], compareonly = TRUE)$corrected.rand),
    pam = lapply(2:6, function(k) pam_of(gower, k)),
    gower = as.vector(as.dist(as.matrix(gower)[1:10, 1:10])),
    prediction_strength = strength_of(x),
    clusterboot = lapply(2:5, function(k) boot_of(x, k)),
    kmeans = sapply(2:6, function(k) inertia_of(x, k)),
    eigenvalues = eigen(cov(x))$values
  )
}

packages <- c("cluster", "fpc", "mclust", "diptest")
versions <- c(list(R = as.character(getRversion())),
              lapply(setNames(packages, packages), function(p) as.character(packageVersion(p))))
answers <- list(
  versions = versions,
  max_se = lapply(made_up, function(t) c(t, list(k = every_rule(t$gap, t$se)))),
  iris = answers_about("iris"),
  planted = answers_about("planted"),
  cloud = answers_about("cloud")
)
# 15 digits: enough to compare to 1e-12. A missing number becomes null.
writeLines(jsonlite::toJSON(answers, auto_unbox = TRUE, digits = 15, na = "null"),
           "r_answers.json")
