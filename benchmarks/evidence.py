"""Measure the evidence of notebook 3 against the plain way and against R: make bench."""

import csv
import functools
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import measure
import numpy as np
import pandas as pd
from joblib import parallel_config
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import (
    adjusted_rand_score,
    r2_score,
    roc_auc_score,
    silhouette_score,
)
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from helpers.clustering import (
    clusterability,
    methods,
    predictive_validity,
    scores as clustering_scores,
    stability,
)
from helpers.core import errors, paths, store
from helpers.features import preparation

RUN = "complete_journey"
K_VALUES = range(2, 11)
K_OF_R = 5  # clusterboot judges one number of segments
STARTS = 10  # of the sweep and the mixtures
FEW_STARTS = 3  # of each resample, half and draw, as in the notebook
RESAMPLES = 40  # in 20 pairs
SPLITS = 10
DRAWS = 10
REPEATS = 100  # resamples of the league's intervals
FOLDS = 5
LEAGUE_K = (3, 5, 8)
SEED = 17
ROUNDS = 5  # pairs A B; the table holds medians

RESULT = Path(__file__).with_suffix(".md")
R_SCRIPT = Path(__file__).with_suffix(".R")


@dataclass(frozen=True)
class Measured:
    """What one side took (CPU seconds) and what it found."""

    seconds: float
    value: float


@dataclass(frozen=True)
class Pair:
    """The same work on two sides; `found` says what the value of both is."""

    work: str
    plain_is: str
    found: str
    ours: Callable[[], Measured]
    plain: Callable[[], Measured]


def timed(work: Callable[[], float]) -> Callable[[], Measured]:
    """Measure the CPU seconds of this process, on one thread, from a fresh start."""

    @functools.wraps(work)
    def measured() -> Measured:
        # In this process, since the CPU time of a pool's workers cannot be seen here.
        with parallel_config(backend="sequential"), threadpool_limits(1):
            start = time.process_time()
            value = work()
            return Measured(time.process_time() - start, float(value))

    return measured


# --- The data: what the default run clusters


@dataclass(frozen=True)
class Data:
    """Customers with enough data: their scores, features and what they did later."""

    scores: pd.DataFrame
    features: pd.DataFrame
    later: pd.DataFrame

    @functools.cached_property
    def matrix(self) -> np.ndarray:
        """Scores as a matrix, customers x features."""
        return self.scores.to_numpy()

    @functools.cached_property
    def candidates(self) -> dict[tuple[str, int], np.ndarray]:
        """(method, k) -> labels of every candidate whose segments all have members."""
        settings = {"k_values": K_VALUES, "seed": SEED, "n_init": STARTS}
        fits = methods.fits(self.matrix, methods=methods.METHODS, **settings)
        sound = {key: fit.labels for key, fit in fits.items()}
        return {
            (method, k): labels
            for (method, k), labels in sound.items()
            if np.bincount(labels, minlength=k).all()
        }


def read() -> Data:
    """Read what the default run has made; `make report` makes it."""
    settings = store.read_json(
        paths.processed(RUN) / "preparation.json", made_by="02_feature_engineering"
    )
    table = store.read("features", run=RUN)
    enough = (table["orders"] >= settings["min_orders"]) & (
        table["lines"] >= settings["min_lines"]
    )
    features = table[enough].reset_index(drop=True)
    later = store.read("outcomes", run=RUN)[enough.to_numpy()].reset_index(drop=True)
    scores = preparation.Preparation(**settings["needs"]).transform(features)
    return Data(scores, features, later)


# --- Ours beside the plain way: each plain way is written from the definition, with
# scikit-learn for every fit, and draws the same samples as ours


def plain_kmeans(rows: np.ndarray, k: int, seed: int, n_init: int) -> KMeans:
    """Cluster by scikit-learn until nobody moves, as ours does."""
    return KMeans(k, n_init=n_init, random_state=seed, tol=0, max_iter=300).fit(rows)


def sweep(data: Data) -> float:
    """Sum the squared distances left by k-means over all k."""
    found = methods.partitions(
        data.matrix, method="kmeans", k_values=K_VALUES, seed=SEED, n_init=STARTS
    )
    return sum(
        clusterability.within(data.matrix, part, power=2) for part in found.values()
    )


def plain_sweep(data: Data) -> float:
    """Do so one k after the other."""
    return sum(plain_kmeans(data.matrix, k, SEED, STARTS).inertia_ for k in K_VALUES)


def agreement(data: Data) -> float:
    """Average the agreement of resampled pairs over all k."""
    again = stability.resample(
        data.scores,
        prepare=stability.as_it_is,
        k_values=K_VALUES,
        n_bootstrap=RESAMPLES,
        seed=SEED,
        n_init=FEW_STARTS,
    )
    return stability.agreement(again)["ari"].mean()


def plain_agreement(data: Data) -> float:
    """Do so with copied rows and two fits a pair and k."""
    found = []
    for pair in range(0, RESAMPLES, 2):
        samples = [_resampled(data.matrix, resample) for resample in (pair, pair + 1)]
        for k in K_VALUES:
            one, two = (
                plain_kmeans(rows, k, seed, FEW_STARTS).predict(data.matrix)
                for rows, seed in samples
            )
            found.append(adjusted_rand_score(one, two))
    return float(np.mean(found))


def _resampled(values: np.ndarray, resample: int) -> tuple[np.ndarray, int]:
    rng = np.random.default_rng([SEED, resample])
    rows = rng.integers(0, len(values), len(values))
    return values[rows], int(rng.integers(2**31))


def strength(data: Data) -> float:
    """Average the prediction strength over all splits and k."""
    table = stability.prediction_strength(
        data.scores, k_values=K_VALUES, n_splits=SPLITS, seed=SEED, n_init=FEW_STARTS
    )
    return table["strength"].mean()


def plain_strength(data: Data) -> float:
    """Do so pair of customers by pair of customers."""
    found = []
    for split in range(SPLITS):
        rng = np.random.default_rng([SEED, split])
        parts = np.array_split(rng.permutation(len(data.matrix)), 2)
        seed = int(rng.integers(2**31))
        one, two = (data.matrix[part] for part in parts)
        for k in K_VALUES:
            first, second = (plain_kmeans(r, k, seed, FEW_STARTS) for r in (one, two))
            found += [_kept(one, first, second), _kept(two, second, first)]
    return float(np.mean(found))


def _kept(half: np.ndarray, own: KMeans, other: KMeans) -> float:
    shares = []
    given = other.predict(half)
    for label in range(own.n_clusters):
        members = given[own.labels_ == label]
        pairs = len(members) * (len(members) - 1)
        together = (members[:, None] == members).sum() - len(members)
        shares.append(together / pairs if pairs else 1)
    return min(shares)


def gaps(data: Data) -> float:
    """Average the gap over k = 1 to 10."""
    table = clusterability.gap(
        data.scores,
        k_values=range(1, max(K_VALUES) + 1),
        draws=DRAWS,
        seed=SEED,
        n_init=FEW_STARTS,
    )
    return table["gap"].mean()


def plain_gaps(data: Data) -> float:
    """Do so one draw and k after the other."""
    centred = data.matrix - data.matrix.mean(axis=0)
    turned = centred @ np.linalg.svd(centred, full_matrices=False)[2].T
    low, high = turned.min(axis=0), turned.max(axis=0)
    drawn = []
    for draw in range(DRAWS):
        rng = np.random.default_rng([SEED, draw])
        cloud = rng.uniform(low, high, turned.shape)
        drawn.append(_plain_log_within(cloud, int(rng.integers(2**31))))
    return float(np.mean(drawn) - np.mean(_plain_log_within(turned, SEED)))


def _plain_log_within(rows: np.ndarray, seed: int) -> np.ndarray:
    every_k = range(1, max(K_VALUES) + 1)
    fits = [plain_kmeans(rows, k, seed, FEW_STARTS) for k in every_k]
    return np.log([fit.inertia_ for fit in fits])


def silhouettes(data: Data) -> float:
    """Average the silhouette over all candidates."""
    # What sweep calls; by itself it is not offered.
    return np.mean(
        clustering_scores._mean_widths(data.matrix, list(data.candidates.values()))
    )


def plain_silhouettes(data: Data) -> float:
    """Do so one candidate after the other."""
    found = [silhouette_score(data.matrix, part) for part in data.candidates.values()]
    return float(np.mean(found))


MIXTURES = {
    "mixture_spherical": "spherical",
    "mixture_diagonal": "diag",
    "mixture_tied": "tied",
    "mixture_full": "full",
}


def mixtures(data: Data) -> float:
    """Average the log-likelihood over four covariances and all k."""
    settings = {"k_values": K_VALUES, "seed": SEED, "n_init": STARTS}
    found = methods.fits(data.matrix, methods=tuple(MIXTURES), **settings)
    return np.mean([fit.log_likelihood for fit in found.values()])


def plain_mixtures(data: Data) -> float:
    """Do so with as many starts (two), the same floor and the same rule to stop."""
    floor = 1e-3 * data.matrix.var(axis=0).mean()
    settings = {"n_init": 2, "tol": 1e-5, "max_iter": 300, "random_state": SEED}
    found = [
        GaussianMixture(k, covariance_type=kind, reg_covar=floor, **settings)
        .fit(data.matrix)
        .score(data.matrix)
        for kind in MIXTURES.values()
        for k in K_VALUES
    ]
    return float(np.mean(found) * len(data.matrix))


def _designs(data: Data) -> tuple[dict[str, pd.Series], pd.Series]:
    """Give the k-means labels at some k and spend quintiles; and log sales."""
    labels = {f"k = {k}": pd.Series(data.candidates["kmeans", k]) for k in LEAGUE_K}
    labels["quintiles"] = predictive_validity.quantiles(data.features["sales"], parts=5)
    named = {name: label.astype(str) for name, label in labels.items()}
    return named, np.log1p(data.features["sales"])


def _later(data: Data) -> dict[str, pd.Series]:
    amount = np.log1p(data.later["holdout_sales"]).rename("amount")
    return {
        "amount": amount,
        "yes_no": (data.later["holdout_orders"] > 0).rename("came"),
    }


def league(data: Data) -> float:
    """Average the widths of the intervals in a league of labels."""
    designs, base = _designs(data)
    everyone = pd.Series(True, index=base.index)
    table = predictive_validity.benchmark(
        {name: label.to_frame("label") for name, label in designs.items()},
        [
            predictive_validity.Outcome(kind, kind, truth.to_frame(), everyone)
            for kind, truth in _later(data).items()
        ],
        base=base.to_frame(),
        folds=FOLDS,
        n_bootstrap=REPEATS,
        seed=SEED,
    )
    alone = table["alone_high"] - table["alone_low"]
    return float((alone + table["gain_high"] - table["gain_low"]).mean())


def plain_league(data: Data) -> float:
    """Do so with a loop over designs, folds and resamples."""
    designs, base = _designs(data)
    widths = []
    for kind, truth in _later(data).items():
        yes_no = kind == "yes_no"
        draws, fold = _plain_draws(truth.to_numpy(), yes_no)
        known = base.to_frame()
        without = _plain_fit(known, truth.to_numpy(), fold, yes_no)
        for label in designs.values():
            both = pd.concat([known, pd.get_dummies(label, dtype=float)], axis=1)
            alone = _plain_means(label, truth, fold, yes_no)
            joint = _plain_fit(both, truth.to_numpy(), fold, yes_no)
            score = _plain_auc if yes_no else _plain_r2
            scored = [
                [
                    score(truth.to_numpy(), p, fold, rows)
                    for p in (alone, joint, without)
                ]
                for rows in draws
            ]
            by_itself, with_base, base_alone = np.transpose(scored)
            for found in (by_itself, with_base - base_alone):
                widths.append(np.ptp(np.quantile(found, [0.025, 0.975])))
    return float(np.sum(widths) / (len(widths) / 2))


def _plain_draws(truth: np.ndarray, yes_no: bool) -> tuple[list, np.ndarray]:
    """Draw resamples as rows, within either answer; and share the folds out."""
    rng = np.random.default_rng(SEED)
    fold = np.empty(len(truth), dtype=int)
    drawn = [[] for _ in range(REPEATS)]
    answers = [truth == 0, truth == 1] if yes_no else [np.full(len(truth), True)]
    for rows in map(np.flatnonzero, answers):
        fold[rows] = rng.permutation(np.arange(len(rows)) % FOLDS)
        for one in drawn:
            one.append(rng.choice(rows, len(rows)))
    return [np.concatenate(one) for one in drawn], fold


def _plain_means(
    label: pd.Series, truth: pd.Series, fold: np.ndarray, yes_no: bool
) -> np.ndarray:
    predicted = np.empty(len(truth))
    for part in range(FOLDS):
        known = truth[fold != part].astype(float)
        groups = known.groupby(label[fold != part])
        added = predictive_validity.SMOOTHING if yes_no else 0
        means = (groups.sum() + added * known.mean()) / (groups.size() + added)
        predicted[fold == part] = label[fold == part].map(means).fillna(known.mean())
    return predicted


def _plain_fit(
    columns: pd.DataFrame, truth: np.ndarray, fold: np.ndarray, yes_no: bool
) -> np.ndarray:
    predicted = np.empty(len(truth))
    for part in range(FOLDS):
        train, test = fold != part, fold == part
        values = columns.to_numpy(copy=True)
        values[:, 0] -= values[train, 0].mean()
        values[:, 0] /= values[train, 0].std()
        ridge = RidgeCV(predictive_validity.PENALTIES).fit(values[train], truth[train])
        if yes_no:
            rate = truth[train].mean()
            weight = 1 / (ridge.alpha_ * rate * (1 - rate))
            model = LogisticRegression(C=weight, solver="newton-cholesky", tol=1e-9)
            found = model.fit(values[train], truth[train]).decision_function(
                values[test]
            )
            predicted[test] = found.round(9)
        else:
            predicted[test] = ridge.predict(values[test])
    return predicted


def _plain_r2(
    truth: np.ndarray, predicted: np.ndarray, fold: np.ndarray, rows: np.ndarray
) -> float:
    return r2_score(truth[rows], predicted[rows])


def _plain_auc(
    truth: np.ndarray, predicted: np.ndarray, fold: np.ndarray, rows: np.ndarray
) -> float:
    right = pairs = 0.0
    for part in range(FOLDS):
        some = rows[fold[rows] == part]
        yes = truth[some].sum()
        if 0 < yes < len(some):
            size = yes * (len(some) - yes)
            right += size * roc_auc_score(truth[some], predicted[some])
            pairs += size
    return right / pairs


# --- Ours beside R


def recovered(data: Data) -> float:
    """Average the overlap of resampled segments among customers drawn (clusterboot)."""
    settings = {"seed": SEED, "n_init": FEW_STARTS}
    again = stability.resample(
        data.scores,
        prepare=stability.as_it_is,
        k_values=[K_OF_R],
        n_bootstrap=RESAMPLES,
        **settings,
    )
    own = methods.kmeans(data.matrix, k=K_OF_R, **settings)
    labels = {K_OF_R: methods.nearest(data.matrix, own)}
    return stability.recovery_of_drawn(again, labels)["jaccard"].mean()


def in_r(task: str, scores: Path, repetitions: int) -> Callable[[], Measured]:
    """Let R do a task; it measures itself."""
    options = (task, scores, repetitions, FEW_STARTS, SEED)
    command = ["Rscript", str(R_SCRIPT), *map(str, options)]

    def measured() -> Measured:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return Measured(*map(float, done.stdout.split()))

    return measured


def versions_of_r() -> dict[str, str]:
    """Name R's version and those of its packages; empty if one is missing."""
    if not shutil.which("Rscript"):
        return {}
    code = (
        "cat('R', paste(R.version$major, R.version$minor, sep='.'), '\\n');"
        "for (p in c('cluster', 'fpc')) cat(p, format(packageVersion(p)), '\\n')"
    )
    asked = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True)
    if asked.returncode:
        return {}
    return dict(line.split() for line in asked.stdout.splitlines())


# --- The run


def pairs(data: Data, scores: Path, with_r: bool) -> Iterator[Pair]:
    """List the pairs of sides."""
    k_said = f"k = {K_VALUES[0]} to {K_VALUES[-1]}"
    sides = [
        (
            f"k-means, {k_said}, {STARTS} starts",
            "KMeans, one k after the other",
            "squared distance left, sum",
            *(sweep, plain_sweep),
        ),
        (
            f"Agreement of {RESAMPLES // 2} resampled pairs, {k_said}",
            "KMeans on copied rows, adjusted_rand_score",
            "adjusted Rand index, mean",
            *(agreement, plain_agreement),
        ),
        (
            f"Prediction strength, {SPLITS} splits, {k_said}",
            "KMeans, co-membership of all pairs",
            "strength, mean",
            *(strength, plain_strength),
        ),
        (
            f"Gap, {DRAWS} draws, k = 1 to {K_VALUES[-1]}",
            "KMeans, one draw after the other",
            "gap, mean",
            *(gaps, plain_gaps),
        ),
        (
            f"Silhouettes of {len(data.candidates)} candidates",
            "silhouette_score, one after the other",
            "silhouette, mean",
            *(silhouettes, plain_silhouettes),
        ),
        (
            f"Mixtures, four covariances, {k_said}, 2 starts",
            "GaussianMixture, one after the other",
            "log-likelihood, mean",
            *(mixtures, plain_mixtures),
        ),
        (
            f"League of {len(LEAGUE_K) + 1} labels, 2 outcomes, {REPEATS} resamples",
            "RidgeCV, LogisticRegression, r2_score and roc_auc_score in loops",
            "width of intervals, mean",
            *(league, plain_league),
        ),
    ]
    for work, plain_is, found, ours, plain in sides:
        one, other = (timed(functools.partial(side, data)) for side in (ours, plain))
        yield Pair(work, plain_is, found, one, other)
    if not with_r:
        return
    for work, task, found, ours, repetitions in (
        (
            f"Recovery by segment, {RESAMPLES} resamples, k = {K_OF_R}",
            *("clusterboot", "Jaccard, mean", recovered, RESAMPLES),
        ),
        (
            f"Prediction strength, {SPLITS} splits, {k_said}",
            *("prediction.strength", "strength, mean", strength, SPLITS),
        ),
        (
            f"Gap, {DRAWS} draws, k = 1 to {K_VALUES[-1]}",
            *("clusGap", "gap, mean", gaps, DRAWS),
        ),
    ):
        package = "cluster" if task == "clusGap" else "fpc"
        other = in_r(task, scores, repetitions)
        one = timed(functools.partial(ours, data))
        yield Pair(work, f"R: {package}::{task}", found, one, other)


def compared(pair: Pair, rounds: int) -> dict[str, str]:
    """Let both sides work in turn, and write what was found as a row."""
    both = [(pair.ours(), pair.plain()) for _ in range(rounds)]
    ours, plain = zip(*both, strict=True)
    ratio = measure.ratio_text(measure.ratio(plain, ours, "seconds"))
    return {
        "Work": pair.work,
        "Plain way": pair.plain_is,
        "Ours, CPU s": f"{measure.median(ours, 'seconds'):.2f}",
        "Plain, CPU s": f"{measure.median(plain, 'seconds'):.2f}",
        "Plain / ours (least to most)": ratio,
        "Value": pair.found,
        "Ours": f"{ours[-1].value:,.6g}",
        "Plain": f"{plain[-1].value:,.6g}",
    }


def written(rows: list[dict[str, str]], customers: int, loads: list[float]) -> str:
    """Write the page."""
    of_r = ", ".join(f"{name} {number}" for name, number in versions_of_r().items())
    parts = [
        "# The evidence of notebook 3 against the plain way",
        measure.machine(loads, "numpy", "scipy", "scikit-learn", also=of_r),
        f"{customers:,} customers of the default run. Both sides in turn, {ROUNDS} times; "
        "medians of CPU seconds on one thread, ratios pair by pair. Above 1, ours is "
        "faster.",
        measure.table(rows),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Measure all pairs and write the table; return the exit code."""
    try:
        data = read()
    except errors.BadInput as fault:
        print(fault, file=sys.stderr)  # it says to run `make report`
        return 1
    loads = [measure.load()]
    with_r = bool(versions_of_r())
    if not with_r:
        print("Rscript with cluster and fpc was not found: R is left out.")
    with tempfile.TemporaryDirectory() as folder:
        scores = Path(folder) / "scores.csv"
        data.scores.to_csv(scores, index=False, quoting=csv.QUOTE_NONE)
        rows = []
        for pair in pairs(data, scores, with_r):
            rows.append(compared(pair, ROUNDS))
            told = ("Work", "Plain way", "Ours, CPU s", "Plain, CPU s", "Ours", "Plain")
            print("; ".join(rows[-1][name] for name in told), flush=True)
    loads.append(measure.load())
    RESULT.write_text(written(rows, len(data.scores), loads), encoding="utf-8")
    print(f"The table is {RESULT.name} in benchmarks/.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
