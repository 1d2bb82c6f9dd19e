"""Go through all customers a batch at a time: outline, final centres, assignment."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd

from helpers.clustering import methods, model as clustering_model
from helpers.core import paths, store
from helpers.core.errors import BadInput
from helpers.disclosure.suppression import withhold
from helpers.features import preparation

READINGS = ("segment_id", "value_tier", "activity", "deal_proneness", "borderline")


def outline(settings: dict, *, run: str) -> pd.DataFrame:
    """Read the few numbers of every customer that cut-offs and samples hang on.

    `settings` are preparation.json of notebook 2. Returns customer_id, orders, sales
    (currency; 0 where there are none), enough (whether orders and lines suffice for a
    needs segment) and deal_index (missing where a part is): about 40 bytes per
    customer, in the order of the feature table.
    """
    deal = settings["deal"]
    columns = ["customer_id", "orders", "lines", "sales", *deal]
    parts = []
    for part in store.batches("features", run=run, columns=columns):
        enough = part["orders"] >= settings["min_orders"]
        enough &= part["lines"] >= settings["min_lines"]
        kept = part[["customer_id", "orders"]].assign(
            sales=part["sales"].fillna(0),
            enough=enough,
            deal_index=preparation.deal_index(part, parts=deal),
        )
        parts.append(kept)
    return pd.concat(parts)


def value_cuts(
    everyone: pd.DataFrame, *, high: float, middle: float
) -> dict[str, float]:
    """Cut sales (of `outline`) at two quantiles: least sales of each value tier."""
    cuts = everyone["sales"].quantile([high, middle]).round(2).tolist()
    return {"high": cuts[0], "middle": cuts[1], "low": min(0.0, cuts[1])}


def deal_cuts(everyone: pd.DataFrame) -> dict[str, float]:
    """Cut the deal index (of `outline`) into thirds; nothing where it is not known."""
    thirds = everyone.loc[everyone["enough"], "deal_index"].quantile([2 / 3, 1 / 3])
    known = thirds.notna().all()
    return dict(zip(("high", "middle"), thirds.tolist(), strict=True)) if known else {}


def refit(
    model: clustering_model.Model, *, run: str, tolerance: float, max_iter: int
) -> tuple[clustering_model.Model, methods.Polished]:
    """Fit the centres of a model that was found on a sample to all customers of a run.

    `tolerance` and `max_iter` are those of `methods.polish`. Each centre keeps its
    segment id. BadInput if a customer cannot be scored, or the disk is full: the scores
    of all customers lie in a temporary file meanwhile (8 bytes each).
    """
    with _scores(model, run) as scores:
        centres = np.array(model.centres)
        polished = methods.polish(
            centres, scores, tolerance=tolerance, max_iter=max_iter
        )
    return replace(model, centres=polished.centres.tolist()), polished


@contextlib.contextmanager
def _scores(
    model: clustering_model.Model, run: str
) -> Iterator[Callable[[], Iterator[np.ndarray]]]:
    # Every pass needs the same scores, and making them takes ten times as long as
    # reading them back: so they are kept, outside of memory.
    features = len(model.preparation.columns)
    weights = filter(None, model.preparation.weights)
    needed = ["orders", "lines", *weights, *model.preparation.columns]
    columns = list(dict.fromkeys(needed))
    with tempfile.TemporaryFile(dir=paths.processed(run)) as file:
        for part in store.batches("features", run=run, columns=columns):
            scores = model.preparation.transform(part[model.enough_data(part)])
            try:
                file.write(scores.to_numpy().tobytes())
            except OSError as fault:
                raise BadInput(
                    f"The scores of the customers of run {run} cannot be kept in "
                    f"{paths.processed(run).name} ({fault}). They need "
                    f"{8 * features} bytes a customer: make room on the disk."
                ) from None

        def read() -> Iterator[np.ndarray]:
            file.seek(0)
            while content := file.read(8 * features * store.BATCH // 4):
                yield np.frombuffer(content).reshape(-1, features)

        yield read


def assign(model: clustering_model.Model, query: str, *, run: str) -> int:
    """Give every customer the three readings, in Python and in SQL, and save them.

    Whether a customer is borderline belongs to them.

    The table `segments` is saved whole or not at all. `query` is the model's `to_sql`,
    run by DuckDB on the same customers; returns how many get another reading from it:
    there should be none.
    """
    differing = 0
    columns = ["customer_id", *model.inputs()]

    def assigned() -> Iterator[pd.DataFrame]:
        nonlocal differing
        with duckdb.connect() as con:
            for part in store.batches("features", run=run, columns=columns):
                found = model.assign(part)
                con.register("features", part)
                said = con.sql(query).df().set_index("customer_id")[list(READINGS)]
                said = said.reindex(found["customer_id"]).to_numpy(object)
                other = said != found[list(READINGS)].to_numpy(object)
                differing += int(other.any(axis=1).sum())
                yield found

    store.write_batches(assigned(), "segments", run=run)
    return differing


def sizes(everyone: pd.DataFrame, *, run: str) -> pd.DataFrame:
    """Sum up the segments that `assign` saved, by segment_id, without unclassified ones.

    Returns customers, share_sales, the largest customer's share of sales
    (`suppression.LARGEST`), median_membership and borderline (share).
    """
    columns = ["segment_id", "membership", "borderline"]
    known = store.read("segments", run=run, columns=columns)
    known = known.assign(sales=everyone["sales"])[known["segment_id"] > 0]
    total = known["sales"].sum()
    return known.groupby("segment_id").agg(
        customers=("segment_id", "size"),
        share_sales=("sales", lambda sales: sales.sum() / total),
        largest=("sales", lambda sales: sales.abs().max() / (sales.abs().sum() or 1)),
        median_membership=("membership", "median"),
        borderline=("borderline", "mean"),
    )


def tiers_by_activity(*, run: str) -> pd.DataFrame:
    """Count the customers of each value tier by activity; small cells are withheld."""
    parts = store.batches("segments", run=run, columns=["value_tier", "activity"])
    counts = pd.concat(part.value_counts() for part in parts)
    cross = counts.groupby(level=["value_tier", "activity"]).sum().unstack()
    stages = ["active", "slowing", "lapsed", clustering_model.TOO_LITTLE]
    cross = cross.reindex(index=["high", "middle", "low"], columns=stages).fillna(0)
    return withhold(cross.astype(int)).rename_axis("value_tier").reset_index()
