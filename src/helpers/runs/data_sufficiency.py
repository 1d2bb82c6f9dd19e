"""Say which parts of the study the clean tables of a run are enough for, and why not."""

from pathlib import Path

import pandas as pd

from helpers.core import engines, paths, store
from helpers.core.engines import Engine
from helpers.core.errors import BadInput, TooLittle, blurred
from helpers.core.paths import beside
from helpers.core.schema import APART, OTHER

MADE_BY = "02_feature_engineering"

# Facts that are counted where their table is there (0 where it is not): of which rows.
_COUNTED = {
    "contacts": ("contacts", "true"),
    "responses": ("responses", "true"),
    "contracts_ended": ("contracts", "renewed is not null"),
    "contracts_lost": ("contracts", "not renewed"),
    "answers": ("surveys", "true"),
    "interactions": ("interactions", "true"),
    "leads": ("leads", "true"),
    "leads_won": ("leads", "won_on is not null"),
}
# Facts that count customers: how many are left over may tell of few.
OF_CUSTOMERS = (
    *("enough", "repeat", "returning"),
    *("valued", "recent", "summed_up", "tenured", "left", "paying"),
)
# Tables that facts are counted in.
TABLES = ("lines", "products", *dict.fromkeys(name for name, _ in _COUNTED.values()))


def files(run: str) -> dict[str, Path]:
    """Say where the tables of a run lie that `facts` counts in, of those it has."""
    found = {name: store.path(name, run=run) for name in TABLES}
    return {name: file for name, file in found.items() if file.exists()}


def facts(
    con: Engine,
    tables: dict[str, Path],
    *,
    first: str,
    last: str,
    later: str,
    min_orders: int,
    min_lines: int,
) -> pd.Series:
    """Count what the parts of the study ask for in standard tables' files.

    `first` to `last` are the days of training, and up to `later` those after. A
    customer of `min_orders` and `min_lines` has enough data. In training: customers,
    enough, repeat (two orders or more), needs (bought by a tenth of those with enough)
    and training_days. Then holdout_days, returning (customers of training who order
    later), contacts, treated, control, responses, contracts_ended, contracts_lost,
    answers, interactions, leads, leads_won.
    """
    found = _from_lines(
        con, tables, (first, last, later), enough=(min_orders, min_lines)
    )
    found |= counted(con, tables) | _arms(con, tables.get("contacts"))
    return pd.Series(found, dtype="int64")


def counted(con: Engine, tables: dict[str, Path]) -> dict[str, int]:
    """Count what the tables beside lines hold; 0 where one is not there."""
    found = dict.fromkeys(_COUNTED, 0)
    for fact, (name, condition) in _COUNTED.items():
        if name in tables:
            query = f"select count(*) from read_parquet(?) where {condition}"
            found[fact] = con.execute(query, [str(tables[name])]).fetchall()[0][0]
    return found


def _from_lines(
    con: Engine,
    tables: dict[str, Path],
    days: tuple[str, str, str],
    *,
    enough: tuple[int, int],
) -> dict[str, int]:
    """Count customers, days and needs."""
    apart = ", ".join(repr(need) for need in (*APART, OTHER))
    row = con.execute(
        f"""with lines as (from read_parquet($lines)),
        trained as (select * from lines
            where ordered_at::date >= $first::date and ordered_at::date <= $last::date),
        later as (select * from lines
            where ordered_at::date > $last::date and ordered_at::date <= $later::date),
        -- groups within groups go to disk where they are many; distinct counts would not
        each as (select customer_id, count(*) as orders, sum(lines) as lines
            from (select customer_id, order_id, count(*) as lines from trained
                group by customer_id, order_id) as each_order group by customer_id),
        enough as (select customer_id from each
            where orders >= $orders and lines >= $least),
        pairs as (select distinct need_state, customer_id from trained
            join read_parquet($products) using (product_id)
            where need_state not in ({apart})
                and customer_id in (select customer_id from enough)),
        bought as (select need_state from pairs group by need_state
            having count(*) >= (select count(*) from enough) / 10)
        select (select count(*) from each), (select count(*) from enough),
            (select count(*) from each where orders >= 2), (select count(*) from bought),
            (select coalesce(date_diff('day', min(ordered_at)::date,
                max(ordered_at)::date) + 1, 0) from trained),
            (select coalesce(date_diff('day', $last::date, max(ordered_at)::date), 0)
                from later),
            (select count(distinct customer_id) from later
                where customer_id in (select customer_id from each))""",
        {
            "lines": str(tables["lines"]),
            "products": str(tables["products"]),
            **dict(zip(("first", "last", "later"), days, strict=True)),
            **dict(zip(("orders", "least"), enough, strict=True)),
        },
    ).fetchall()[0]
    names = ("customers", "enough", "repeat", "needs")
    more = ("training_days", "holdout_days", "returning")
    return dict(zip((*names, *more), row, strict=True))


def _arms(con: Engine, contacts: Path | None) -> dict[str, int]:
    """Count contacts by arm; without arms nobody is known to have been drawn."""
    if contacts is None or "arm" not in engines.columns(contacts):
        return {"treated": 0, "control": 0}
    treated, control = con.execute(
        """select count(*) filter (arm = 'treated'), count(*) filter (arm = 'control')
        from read_parquet(?)""",
        [str(contacts)],
    ).fetchall()[0]
    return {"treated": treated, "control": control}


def verdict(
    facts: pd.Series,
    *,
    customers: int,
    segmented: int,
    events: int,
    track: str = "lines",
) -> pd.DataFrame:
    """Hold each part of the study, in the order of the notebooks, to what it needs.

    `customers` are for any statement about a group (in training, with two orders, and
    seen in both windows), `segmented` those with enough data for needs segments,
    `events` the answers, contracts, leads or contacts of an arm for a rate; `track` is
    lines or, of a run without them, customer_table. Columns:
    part, needs, found (text), ready (bool), said (what happens, or what is missing).
    """
    limits = {"customers": customers, "segmented": segmented, "events": events}
    numbers = dict(facts) | {"leads_open": facts["leads"] - facts["leads_won"]}
    everyone = numbers["customers"]
    rows = []
    for part, needs in beside(__file__, "data_sufficiency.yaml")[track].items():
        least = [f"{limits.get(n, n):,} {name}" for _, n, name in needs]
        told = [f"found: {numbers[fact]:,}" for fact, *_ in needs]
        told = [
            blurred(t) if need[1] in limits else t
            for t, need in zip(told, needs, strict=True)
        ]
        for i, (fact, *_) in enumerate(needs):  # what leaves few of them says so
            some = fact in OF_CUSTOMERS and numbers[fact] > 9
            if some and everyone - 10 < numbers[fact] < everyone:
                told[i] = f"found: all but fewer than 10 of {everyone:,}"
        short = [numbers[fact] < limits.get(n, n) for fact, n, _ in needs]
        missing = " and ".join(
            f"{a} ({t})" for a, t, few in zip(least, told, short, strict=True) if few
        )
        rows.append(
            {
                "part": part,
                "needs": "; ".join(least),
                "found": "; ".join(t.removeprefix("found: ") for t in told),
                "ready": not missing,
                "said": f"Left out, since it needs {missing}." if missing else "Ready.",
            }
        )
    return pd.DataFrame(rows)


def few(customers: int, *, least: int, first: str, last: str) -> str:
    """Say in a sentence what a window of too few customers lacks, and the next step."""
    if customers >= least:
        return ""
    found = f"{customers:,} customer{'' if customers == 1 else 's'}"
    return (
        f"Table lines: {found} with sales above 0 from {first} to {last}, and the study "
        f"needs {least:,}. Map a longer export, or choose a longer window (train_start and "
        "train_end of 02_feature_engineering in the run file)."
    )


def refuse_few(customers: int, *, least: int, first: str, last: str) -> None:
    """Stop, with the sentence of `few` as BadInput, where a window has too few customers."""
    if said := few(customers, least=least, first=first, last=last):
        raise BadInput(said)


def write(parts: pd.DataFrame, *, run: str) -> None:
    """Save the verdict of each part for the notebooks that follow."""
    content = {"parts": parts.to_dict("records")}
    store.write_json(content, paths.processed(run) / "readiness.json")


def said(part: str, *, run: str) -> str:
    """Say in a sentence why a part of `verdict` is left out; nothing if it is ready."""
    file = paths.processed(run) / "readiness.json"
    rows = store.read_json(file, made_by=MADE_BY)["parts"]
    found = {row["part"]: row for row in rows}[part]
    return "" if found["ready"] else _of(part, found["said"])


def ask(parts: pd.DataFrame, part: str) -> None:
    """Leave out the section that asks, by a table of verdicts; as `need`."""
    row = parts.set_index("part").loc[part]
    if not row["ready"]:
        raise TooLittle(_of(part, row["said"]))


def need(part: str, *, run: str) -> None:
    """Leave out the section that asks, by raising TooLittle, if a part is not ready."""
    if why := said(part, run=run):
        raise TooLittle(why)


def _of(part: str, said: str) -> str:
    """Name the part that a verdict is about."""
    return f"{part.capitalize()}: {said[:1].lower()}{said[1:]}"
