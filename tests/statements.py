"""Hold every statement of a run's pages to the truth of its shop.

`check` reads the pages, the findings and what the study knows of its own result, sentence
by sentence. Each rule looks at one sentence and answers None (it is about something
else), an empty text (it holds) or why it is denied.
"""

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from bs4 import BeautifulSoup

from helpers.display.words import FIELDS

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
NUMBER = r"(-?[\d,]+(?:\.\d+)?)"
BLOCKS = (
    "p",
    "li",
    "td",
    "th",
    "dd",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "caption",
    "summary",
)
HELD_BACK = "not usable"
PARTS = ("decision", "size", "uncertainty", "action", "limit")  # of a finding
# Words that only some shops have a use for -> the standard column or need that has it.
GROCERIES = (
    *("fuel", "gasoline", "petrol", "gallon", "gift card", "mailer", "coupon"),
    *("holiday", "household", "store display", "five regions"),
)
ADVICE = re.compile(
    r"choose (the )?offers? by (needs )?segment|give each segment|plan offers for"
    r"|fill the offer by needs segment|by needs segment\.|offer for each segment"
    r"|use the rule card|one line for each segment|steer .* by segment"
    r"|(they|which) says? what to offer|name a segment only|message .* for each segment",
    re.IGNORECASE,
)


@dataclass
class Checked:
    """How many sentences were read and held to the truth, and those that it denies."""

    read: int = 0
    held: int = 0
    denied: list[str] = field(default_factory=list)

    def deny(self, where, said, why):
        """Keep what is denied: page, sentence, reason."""
        self.denied.append(f"{where}: {said[:200]!r}: {why}")


class Told:
    """What one run says, and what is true of its shop."""

    def __init__(self, folder, shop):
        self.shop, self.truth = shop, shop.truth
        self.pages = Path(folder) / "reports" / shop.name
        self.processed = Path(folder) / "data/processed" / shop.name
        self.interim = Path(folder) / "data/interim" / shop.name

    def json(self, name, default=None):
        """Read a file of what the study knows, if it is there."""
        file = self.processed / name
        return json.loads(file.read_text("utf-8")) if file.exists() else default

    @cached_property
    def windows(self):
        """Return the days that the study was built from and judged by."""
        found = self.json("preparation.json", {}) or self.json("readiness.json", {})
        days = [
            found.get(name, "") for name in ("train_start", "train_end", "holdout_end")
        ]
        return days if all(days) else list(self.shop.windows.values())

    @cached_property
    def trained(self):
        """Return orders, lines and cents of each customer in the training window."""
        return self.truth.by_customer(*self.windows[:2])

    @cached_property
    def holdout(self):
        """Return what is true of the two windows."""
        return self.truth.holdout(*self.windows)

    @cached_property
    def decision(self):
        """Return what the study decided on."""
        return self.json("decision.json", {})

    @property
    def verdict(self):
        """Name the verdict; segments that nobody looked for have their own."""
        return self.decision.get("verdict") or "not looked for"

    @property
    def usable(self):
        """Say whether there are segments that may carry advice."""
        return bool(self.decision.get("k")) and self.verdict != HELD_BACK

    @cached_property
    def segments(self):
        """Return the segment of each customer, if notebook 3 wrote it."""
        file = self.processed / "segments.parquet"
        return pd.read_parquet(file) if file.exists() else None

    @cached_property
    def sign(self):
        """Return the sign before the run's money."""
        currency = self.shop.temper.currency
        return SIGNS.get(currency, currency)

    @cached_property
    def shop_words(self):
        """Return what the shop's own files say, in small letters."""
        told = [
            str(value)
            for table in self.shop.tables.values()
            for column in table.columns.intersection(["category", "kind"])
            for value in table[column].unique()
        ]
        return " ".join(told).lower()

    @cached_property
    def high(self):
        """Return who belongs to the high tier: sales at or above the 80 % quantile."""
        cents = self.trained["cents"]
        return cents >= cents.quantile(0.8)


def number(text):
    """Read a number as it is printed."""
    return float(text.replace(",", "").replace("−", "-").rstrip("."))


def near(said, true, *, step=1.0):
    """Say what is true where a printed number is off by more than its last digit."""
    if np.isnan(true) or abs(said - true) > 0.51 * step + 1e-9:
        return f"the truth is {true:,.4g}"
    return ""


def _all(*pairs):
    return "; ".join(told for told in pairs if told)


def counts(said, told):
    """Numbers of lines, orders, customers and sales, wherever they stand together."""
    truth, window = told.truth, told.holdout
    if found := re.search(
        rf"{NUMBER} lines?, {NUMBER} orders?, {NUMBER} customers?, \S*?{NUMBER} sales",
        said,
    ):
        lines, orders, customers, sales = map(number, found.groups())
        return _all(
            near(lines, truth.lines),
            near(orders, truth.orders),
            near(customers, truth.customers),
            near(sales, truth.sales_cents / 100),
        )
    if found := re.search(rf"{NUMBER} of {NUMBER} customers and \S*?{NUMBER} of", said):
        return _all(
            near(number(found[1]), truth.customers),
            near(number(found[3]), truth.sales_cents / 100, step=0.01),
        )
    if found := re.search(rf"^{NUMBER} customers? with {NUMBER} orders? from", said):
        return _all(
            near(number(found[1]), window["customers"]),
            near(number(found[2]), window["orders"]),
        )
    if found := re.search(
        rf"{NUMBER} received lines less {NUMBER} are {NUMBER} clean ones", said
    ):
        return _all(
            near(number(found[1]), truth.received),
            near(number(found[2]), truth.received - truth.lines),
            near(number(found[3]), truth.lines),
        )
    if found := re.search(
        rf"(?<!No )[^\d]{NUMBER} lines? (were|was) set aside", " " + said
    ):
        return near(number(found[1]), truth.received - truth.lines)
    return None


def concentration(said, told):
    """What the largest customers, and the high tier, hold."""
    if found := re.search(rf"largest customer holds {NUMBER}% to {NUMBER}% of", said):
        share = 100 * told.truth.largest_share
        inside = number(found[1]) <= share <= number(found[2])
        return "" if inside else f"the largest customer holds {share:.1f}%"
    if found := re.search(
        rf"high tier is {NUMBER}% of customers and {NUMBER}% of sales", said
    ):
        return _all(
            near(number(found[1]), 100 * told.high.mean()),
            near(number(found[2]), 100 * told.holdout["high"]),
        )
    return None


def lasting(said, told):
    """Tiers are called lasting only where the earlier high tier holds more later."""
    later, share = told.holdout["high_later"], told.high.mean()
    if found := re.search(rf"tier given before holds {NUMBER}% of sales", said):
        return near(number(found[1]), 100 * later)
    if re.search(r"\bit lasts\b|stays there|\btiers? (lasts?|lasted)\b", said, re.I):
        if re.search(
            r"does (not|it) last|do not last|if it lasts|whether", said, re.IGNORECASE
        ):
            return None
        fades = np.isnan(later) or later <= 1.25 * share
        return (
            f"{share:.0%} of customers, the high tier, hold {later:.0%} of later sales"
            if fades
            else ""
        )
    if re.search(r"(tier|value)\b.*does not last|tiers do not last", said):
        keeps = later >= 0.9 * told.holdout["high"] and later > 1.5 * share
        return f"the high tier holds {later:.0%} of later sales" if keeps else ""
    return None


def coming_back(said, told):
    """Who came again, and whether writing to those who are late can be advised."""
    back = told.holdout["returning"]
    if found := re.search(rf"{NUMBER}% of customers came again", said):
        return near(number(found[1]), 100 * back, step=0.1)
    if re.search(r"^(But )?[Nn]early everybody comes again", said):
        return "" if back >= 0.8 else f"{back:.0%} came again"
    if re.search(r"[Ww]rite to .*slowing", said):
        often = told.truth.repeat_share
        return "" if often > 0 and back > 0 else f"{often:.0%} ordered twice"
    return None


def advice(said, told):
    """No advice by segment where no segments are worth acting on."""
    if not ADVICE.search(said):
        return None
    if re.search(r"\b(do not|never|no |not )\b", said, re.IGNORECASE):
        return None
    return "" if told.usable else f"the verdict is {told.verdict}"


def kind_of_segments(said, told):
    """Segments are called what the verdict says, and counted as it does."""
    if said.startswith(("If ", "Where ")):  # what would be called so, and not what is
        return None
    if found := re.search(
        r"[Vv]erdict: (\w[\w ]+)|[Tt]he segmentation is (not usable|\w+)", said
    ):
        named = next(filter(None, found.groups())).strip()
        return "" if named == told.verdict else f"the verdict is {told.verdict}"
    if found := re.search(
        r"(?:[Uu]se|fall into|cut them into|[Oo]ffers for) (\d+) needs segments", said
    ):
        k = told.decision.get("k") or 0
        return "" if int(found[1]) == k else f"there are {k}"
    if "there are no sharp groups" in said:
        return f"the verdict is {told.verdict}" if told.verdict == "natural" else ""
    if "We use no needs segments" in said:
        return f"the verdict is {told.verdict}" if told.usable else ""
    if re.search(r"We give up (little: the segments|the claim|sharp borders)", said):
        word = {"litt": "natural", "the ": "constructive", "shar": "reproducible"}
        given = word[re.search(r"We give up (.{4})", said)[1]]
        return "" if told.verdict == given else f"the verdict is {told.verdict}"
    if re.search(r"segments?\b.* (that|they|segments) stand apart\b", said):
        return "" if told.verdict == "natural" else f"the verdict is {told.verdict}"
    return None


def nobody_is_alike(said, told):
    """Where everybody is alike, no verdict finds groups."""
    if not told.shop.temper.alike:
        return None
    if re.search(r"(Verdict: |segmentation is )(natural|reproducible)", said):
        return "everybody buys the same"
    return None


def groceries(said, told):
    """Words of groceries stand only where the shop's data have them."""
    low = said.lower()
    if re.search(r"\b(it|section|part|which) needs\b", low):
        return None  # what a run may bring is no word about its shop
    for word in GROCERIES:
        if re.search(rf"\b{word}", low):
            return "" if word in told.shop_words else f"this shop has no {word}"
    return None


def unfinished(said, told):
    """Nothing that a program forgot to write as text."""
    for pattern, what in (
        (r"(?<![\w])(nan|NaN|NaT|inf)(?![\w])|<NA>", "a missing value"),
        (r"(?<!^)(?<![\w“\"'])None(?![\w ])", "None"),
        (r": \.(?!\w)|: ;|, \.(?!\w)|: *$(?<=\w: )", "an empty list"),
        (r"\b0 of 0\b", "0 of 0"),
        (r"\bnp\.\w+\(|Timestamp\(|dtype: |\bArray\(", "a value of a program"),
        (r"(?<![\w{])\{[a-z_]\w*(:[^}]*)?\}(?!\})|%\([a-z]\w*\)s", "a placeholder"),
    ):
        if re.search(pattern, said):
            return f"it holds {what}"
    return None


def currency(said, told):
    """Money stands in the run's currency."""
    other = [
        sign
        for code, sign in SIGNS.items()
        if code != told.shop.temper.currency
        and re.search(rf"{re.escape(sign)}\s?-?\d|thousand {re.escape(sign)}", said)
    ]
    if other:
        return f"the currency is {told.shop.temper.currency}"
    return "" if re.search(rf"{re.escape(told.sign)}\s?\d", said) else None


def days(said, told):
    """Windows lie in the days that the shop has lines for."""
    found = re.findall(r"[Ff]rom (\d{4}-\d\d-\d\d) (?:up )?to (\d{4}-\d\d-\d\d)", said)
    if not found:
        return None
    first, last = told.truth.days
    if told.shop.temper.windows:  # the run file may begin before the first line
        first, last = (
            pd.Timestamp(told.shop.windows[d]) for d in ("train_start", "holdout_end")
        )
    for begin, end in found:
        if pd.Timestamp(begin) < first - pd.Timedelta(days=1) or pd.Timestamp(
            end
        ) > last + pd.Timedelta(days=1):
            return f"lines run from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    return ""


def shares(said, told):
    """A part of all customers, lines or orders lies between 0 and 100 %."""
    found = re.findall(
        r"([-−]?[\d,]+(?:\.\d+)?)% of (?:customers|lines|orders)\b", said
    )
    if not found:
        return None
    wrong = [one for one in found if not 0 <= number(one) <= 100]
    return f"{wrong[0]}% is no part" if wrong else ""


def dropped(said, told):
    """Money without a customer is lost to the study."""
    if "no sale is lost" in said:
        gone = told.truth.reasons.get("no customer", 0)
        return f"{gone} lines have no customer" if gone else ""
    return None


def contacts(said, told):
    """Contacts that were compared, and followed by a change, are as many as were found."""
    found = re.search(
        r"(None|The one|\d+)(?: of the (\d+))? contacts? that could be compared (?:was|were)"
        r"( not)? followed by",
        said,
    )
    if not found:
        return None
    rows = pd.read_parquet(told.processed / "touchpoints.parquet")
    verdict = rows.loc[rows["outcome"] == "sales", "verdict"]
    compared = (verdict != "not comparable").sum()
    changed = verdict.isin(["more", "less"]).sum()
    one = found[1] == "The one" or "the 1 contact" in said
    many = 0 if found[3] or found[1] == "None" else number(found[1])
    return _all(
        near(1 if one else number(found[2]), compared),
        near(many, changed),
    )


def alarms(said, told):
    """Alarms are as many as were raised."""
    found = re.search(r"(No|An) alarm in (?:(\d+) of )?(\d+) periods? reviewed", said)
    if not found:
        return None
    rows = pd.read_parquet(told.processed / "drift_alarms.parquet")
    many = 0 if found[1] == "No" else number(found[2])
    return _all(near(many, rows["alarm"].sum()), near(number(found[3]), len(rows)))


RULES = (
    *(counts, concentration, lasting, coming_back, advice, kind_of_segments),
    *(nobody_is_alike, groceries, unfinished, currency, days, shares, dropped),
    *(contacts, alarms),
)


def sentences(text):
    """Split a text where a sentence ends."""
    text = re.sub(r"\s+", " ", text).strip()
    return [one for one in re.split(r"(?<=[.!?])\s+(?=[A-Z“€$£¥\d])", text) if one]


def page_texts(soup):
    """Return the texts of a page as they are read: its blocks, and what figures say."""
    for node in soup(["script", "style", "pre", "code"]):
        node.replace_with(node.get_text() if node.name == "code" else "")
    found = []
    for block in soup.find_all(BLOCKS):
        if not block.find(BLOCKS):
            found.append(block.get_text(" ").replace(" .", ".").replace(" ,", ","))
    found += [node["alt"] for node in soup.find_all(alt=True)]
    found += [node.get_text(" ") for node in soup.find_all(["figcaption", "text"])]
    return found


def check(folder, shop):
    """Hold what a run says to what is true of its shop.

    Parameters
    ----------
    folder : Path
        The copy of the project, with the run's pages and tables.
    shop : Shop
        The shop that was run.

    Returns
    -------
    Checked
        read: sentences of pages, findings and cards; held: those that some rule of the
        truth was about; denied: page, sentence and reason.
    """
    told, result = Told(folder, shop), Checked()
    for where, said in _said(told, result):
        result.read += 1
        answers = [(rule, rule(said, told)) for rule in RULES]
        result.held += any(answer is not None for _, answer in answers)
        for rule, answer in answers:
            if answer:
                result.deny(where, said, f"{rule.__name__}: {answer}")
    _figures(told, result)
    _reconciled(told, result)
    _cards(told, result)
    _findings(told, result)
    result.denied = list(dict.fromkeys(result.denied))
    return result


def _said(told, result):
    """Yield where and what is said, a sentence at a time; deny pages that are missing."""
    expected = [
        book.stem for book in sorted((told.pages / "notebooks").glob("0?_*.ipynb"))
    ]
    expected = [name for name in expected if "." not in name]
    index = told.pages / "index.html"
    links = index.read_text("utf-8") if index.exists() else ""
    if not links:
        result.deny("index.html", "", "the page is missing")
    if len(expected) < 8:
        result.deny("notebooks", ", ".join(expected), "not all were executed")
    for name in expected:
        if not (told.pages / f"{name}.html").exists():
            result.deny(name, "", "the page is missing")
        if links and f'href="{name}.html' not in links:
            result.deny("index.html", name, "the page is not linked")
    for file in sorted(told.pages.glob("*.html")):
        html = file.read_text("utf-8")
        soup = BeautifulSoup(html, "html.parser")
        for mark in ("<b>Bold</b>", "<script>alert('x')</script>"):
            if mark in html:
                result.deny(file.stem, mark, "a name is not escaped")
        if any(node.get_text() == "alert('x')" for node in soup("script")):
            result.deny(file.stem, "alert('x')", "a name is run as a script")
        for text in page_texts(soup):
            for said in sentences(text):
                yield file.stem, said
    for file in sorted((told.processed / "findings").glob("*.json")):
        for row in json.loads(file.read_text("utf-8")):
            for text in map(row.get, FIELDS):
                for said in sentences(text):
                    yield f"findings/{file.stem}", said
    for card in told.json("personas.json", []):
        for answer in card["parts"].values():
            for text in [answer] if isinstance(answer, str) else answer:
                for said in sentences(text):
                    yield f"card {card['name']}", said


def _figures(told, result):
    """Compare the dashboard's own numbers."""
    figures = told.json("key_figures.json", {})
    window = told.holdout | {"sales": told.holdout["cents"] / 100}
    for name in ("customers", "orders", "lines", "sales"):
        if name in figures and figures[name] is not None:
            result.held += 1
            if wrong := near(float(figures[name]), window[name], step=0.02):
                result.deny("key_figures.json", f"{name}: {figures[name]}", wrong)
    if "currency" in figures and figures["currency"] != told.shop.temper.currency:
        result.deny("key_figures.json", figures["currency"], "another currency")


def _reconciled(told, result):
    """Compare each step from received to clean lines."""
    file = told.interim / "reconciliation.parquet"
    if not file.exists():
        return
    truth = told.truth
    steps = pd.read_parquet(file).set_index("step")
    expected = {"received": truth.received, "clean": truth.lines}
    expected |= {reason: -lines for reason, lines in truth.reasons.items()}
    for step, lines in steps["lines"].items():
        result.held += 1
        if lines != expected.get(step, 0):
            result.deny(
                "reconciliation", step, f"{lines} lines, not {expected.get(step, 0)}"
            )
    for column, true in (
        ("orders", truth.orders),
        ("customers", truth.customers),
        ("sales_cents", truth.sales_cents),
    ):
        result.held += 1
        if steps.loc["clean", column] != true:
            result.deny("reconciliation", column, f"the truth is {true}")


def _cards(told, result):
    """Compare size and sales of each segment, and refuse cards without segments."""
    cards = told.json("personas.json", [])
    if cards and not told.usable:
        result.held += 1
        names = ", ".join(card["name"] for card in cards)
        result.deny("personas.json", names, f"cards, but the verdict is {told.verdict}")
    if not told.usable or told.segments is None:
        return
    joined = told.trained.join(
        told.segments.set_index("customer_id")["segment_id"], how="left"
    )
    for card in cards:
        own = joined[joined["segment_id"] == card["segment_id"]]
        text = " ".join(map(str, card["parts"].values()))
        found = re.search(
            rf"{NUMBER} customers \({NUMBER}%\) with {NUMBER}% of sales: \S*?{NUMBER} (?:a|per) cust",
            text,
        )
        if found:
            result.held += 1
            count, share, sales, mean = map(number, found.groups())
            wrong = _all(
                near(count, len(own)),
                near(share, 100 * len(own) / len(joined)),
                near(sales, 100 * own["cents"].sum() / joined["cents"].sum()),
                near(mean, own["cents"].mean() / 100),
            )
            if wrong:
                result.deny(f"card {card['name']}", found[0], wrong)


def _findings(told, result):
    """Hold the advice of a finding to the numbers beside it."""
    for file in sorted((told.processed / "findings").glob("*.json")):
        for row in json.loads(file.read_text("utf-8")):
            told_by = " ".join(map(row.get, FIELDS))
            for pattern, ask in (
                (
                    rf"give {NUMBER}% of customers their own segment.*largest {NUMBER}%",
                    r"[Ww]here only a CRM is at hand, ask",
                ),
                (
                    rf"puts {NUMBER}% in the right segment \(guessing: {NUMBER}%",
                    r"[Nn]ame a segment only",
                ),
            ):
                found = re.search(pattern, told_by)
                if found and re.search(ask, told_by):
                    result.held += 1
                    if number(found[1]) <= number(found[2]):
                        result.deny(file.stem, row["decision"], "guessing does as well")
            if re.search(r"[Ww]rite to .*slowing", row["decision"]) and re.search(
                r"\b0% of the slowing and lapsed come back", told_by
            ):
                result.deny(file.stem, row["decision"], "nobody comes back")


CLAIMS = ("decision", "size", "uncertainty")
ENOUGH = 6  # runs that say the same of other numbers
SETTING = "The limits allow a false alarm in"  # a parameter, which no made shop changes


def claims(processed, reports):
    """Gather what a run's findings claim, and what its figures show: notebook, sentence.

    Of a figure it is the first sentence of the text that stands for it: its title.
    """
    said = set()
    for file in sorted(Path(processed).glob("findings/*.json")):
        for row in json.loads(file.read_text("utf-8")):
            for part in CLAIMS:
                said |= {(file.stem, one) for one in _sentences(row[part])}
    for file in sorted(Path(reports).glob("notebooks/0*.ipynb")):
        for cell in json.loads(file.read_text("utf-8"))["cells"]:
            for output in cell.get("outputs", ()):
                alt = output.get("metadata", {}).get("alt")
                said |= {(file.stem, one) for one in _sentences(alt or "")[:1]}
    return said


def _sentences(text):
    return [one for one in re.split(r"(?<=[.!?]) (?=[A-Z])", text.strip()) if one]


def same_everywhere(runs):
    """Name sentences that all runs claim which have the notebook, though they differ."""
    books = [{book for book, _ in said} for said in runs]
    found = []
    for book, sentence in sorted(set().union(*runs)):
        having = [said for said, own in zip(runs, books, strict=True) if book in own]
        if len(having) < ENOUGH or sentence.startswith(SETTING):
            continue
        if all((book, sentence) in said for said in having):
            found.append(f"{book}: {sentence}")
    return found
