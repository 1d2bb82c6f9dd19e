"""Lay customers out on a map for looking at, and say how far to trust it."""

import warnings

import numpy as np
import pandas as pd
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

# The library takes 500 for so few customers; 200 draw the same map in half the time.
_EPOCHS = 200


def embed(scores: pd.DataFrame, *, neighbours: int, seed: int) -> pd.DataFrame:
    """Lay customers out on a map for looking at: x and y, whose distances mean nothing.

    McInnes, Healy and Melville (2018), UMAP: uniform manifold approximation and
    projection for dimension reduction.
    """
    with warnings.catch_warnings():
        # A progress bar's complaint that nobody asked for a progress bar.
        warnings.filterwarnings("ignore", message="IProgress not found")
        import umap  # slow to import, so only where a map is drawn

    # Not cached by the library itself: six seconds of compiling in every process.
    umap.umap_.smooth_knn_dist.enable_caching()
    umap.umap_.compute_membership_strengths.enable_caching()
    values = scores.to_numpy(np.float32)
    near = NearestNeighbors(n_neighbors=neighbours).fit(values)
    with threadpool_limits(1):
        apart, index = near.kneighbors(values)
    reducer = umap.UMAP(
        n_neighbors=neighbours,
        n_epochs=_EPOCHS,
        random_state=seed,
        n_jobs=1,
        init="pca",
        precomputed_knn=(index, apart.astype(np.float32), None),
        force_approximation_algorithm=True,
    )
    with warnings.catch_warnings():
        # An exact list of neighbours has no search index; transform is not used.
        warnings.filterwarnings("ignore", message="precomputed_knn")
        points = reducer.fit_transform(values)
    return pd.DataFrame(points, index=scores.index, columns=["x", "y"])


def trust(scores: pd.DataFrame, points: pd.DataFrame, *, neighbours: int) -> float:
    """Say how far neighbours on the map are neighbours in truth, 0 to 1 (all of them).

    Venna and Kaski (2001), Neighborhood preservation in nonlinear projection methods.
    """
    drawn = points[["x", "y"]].to_numpy()
    return float(trustworthiness(scores.to_numpy(), drawn, n_neighbors=neighbours))
