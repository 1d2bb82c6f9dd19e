"""Simulate the survey of runs/uniform_survey.yaml: 600 companies on their uniforms, two waves.

Four classes of motives are planted, and styles of answering over them. No company is real.
The files do not hold the classes: `truth` works them out again.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

FOLDER = Path(__file__).resolve().parents[1] / "data" / "raw" / "uniform_survey"
SEED = 2026
COMPANIES, SECOND, ASKED_AGAIN = 600, 300, 150
CLASSES = ("long wear", "brand look", "low effort", "responsible")
SHARES = (0.27, 0.25, 0.27, 0.21)
SHARES_SECOND = (0.24, 0.22, 0.24, 0.30)  # planted: the last class grows
CHANGED = 0.15  # of those asked again, who are of another class a year later
# Of each class the motives that it names; the others are named by some 40 points fewer.
MOTIVES = {
    "Durable fabric": (0,),
    "Repairs": (0, 3),
    "Safety standards": (0,),
    "Stain resistance": (0, 2),
    "Comfort all day": (0,),
    "Fits every figure": (0, 1),
    "Corporate look": (1,),
    "Logo embroidery": (1,),
    "Design advice": (1,),
    "Colours of our own": (1,),
    "What guests think": (1,),
    "Low price": (2,),
    "Fast delivery": (2, 1),
    "Easy ordering": (2, 1),
    "Free returns": (2,),
    "One invoice a month": (2, 0),
    "Recycled fabric": (3,),
    "Fair production": (3,),
    "Take-back of old wear": (3,),
    "What our staff wish": (3,),
}
NAMED, OTHER = 0.82, 0.28
SATISFACTION = (
    "very dissatisfied",
    "dissatisfied",
    "neither",
    "satisfied",
    "very satisfied",
)
# Items from 1 to 5 -> their mean in each class.
ATTITUDES = {
    "We pay more for quality": (4.2, 3.6, 1.9, 3.6),
    "We compare offers each time": (2.6, 2.5, 4.3, 2.7),
    "Uniforms are part of our brand": (2.4, 4.5, 2.3, 3.3),
    "Sustainability decides": (2.4, 2.5, 1.9, 4.4),
}
INDUSTRIES = {  # -> how often in each class, beside the others
    "Hospitality": (0.8, 1.9, 0.9, 1.0),
    "Health care": (1.3, 0.7, 0.9, 1.2),
    "Industry": (1.5, 0.5, 1.1, 0.8),
    "Retail": (0.6, 1.5, 1.2, 1.0),
    "Public service": (1.0, 0.6, 1.0, 1.3),
    "Transport": (1.0, 1.0, 1.1, 0.7),
}
SIZES = ("1-9", "10-49", "50-249", "250+")
REGIONS = ("North", "South", "East", "West")
RENEWED = (1.9, 1.4, 0.1, 1.6)  # log-odds at 40 months, of each class
PER_MONTH = 0.015
COMMENTS = (
    "Please call us.",
    "More sizes for women.",
    "Invoices come late.",
    "All fine.",
)
MISSING = 0.08
IMPOSSIBLE = {
    "Employees in uniform": -5,
    "Share ordered online": 7.5,
    "Months as customer": -1,
}


def survey(seed: int = SEED) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make both waves as received: copies, gaps and impossible values among them."""
    drawn = [_spoilt(rng, wave) for rng, wave in _waves(seed)]
    return drawn[0].drop(columns="class"), drawn[1].drop(columns="class")


def truth(seed: int = SEED) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return of both waves each respondent's class (0 to 3), style and whether copied."""
    found = []
    for _, wave in _waves(seed):
        found.append(wave[["Respondent", "class", "style"]].set_index("Respondent"))
    return found[0], found[1]


def _waves(seed: int) -> list[tuple[np.random.Generator, pd.DataFrame]]:
    """Draw the companies, and what they answer before anything is lost."""
    streams = [np.random.default_rng([seed, part]) for part in range(4)]
    people, answers, second, again = streams
    first = _companies(people, COMPANIES, SHARES, 1001)
    new = _companies(second, SECOND - ASKED_AGAIN, SHARES_SECOND, 2001)
    kept = first.iloc[:ASKED_AGAIN].copy()
    moved = again.random(ASKED_AGAIN) < CHANGED
    kept.loc[moved, "class"] = 3
    kept["Months as customer"] += 12
    later = pd.concat([kept, new], ignore_index=True)
    return [(answers, _answered(answers, first)), (again, _answered(again, later))]


def _companies(
    rng: np.random.Generator, count: int, shares: tuple[float, ...], start: int
) -> pd.DataFrame:
    """Draw companies with their class and style: what is theirs in either wave."""
    kind = rng.choice(len(CLASSES), count, p=shares)
    style = rng.choice(
        ["own", "yes", "no", "straight"], count, p=(0.78, 0.11, 0.09, 0.02)
    )
    often = np.array(list(INDUSTRIES.values()))[:, kind]
    industry = [rng.choice(list(INDUSTRIES), p=p / p.sum()) for p in often.T]
    employees = np.exp(rng.normal(3.3, 1.1, count)).round().clip(2, 1500)
    size = np.digitize(employees, (10, 50, 250))
    wear = np.maximum(1, (employees * rng.beta(5, 2, count)).round())
    return pd.DataFrame(
        {
            "Respondent": [f"R{start + number}" for number in range(count)],
            "class": kind,
            "style": style,
            "level": rng.normal(0, 0.3, count),
            "Industry": industry,
            "Company size": np.array(SIZES)[size],
            "Region": rng.choice(REGIONS, count, p=(0.2, 0.3, 0.2, 0.3)),
            "Employees in uniform": wear.astype(int),
            "Months as customer": rng.gamma(2.2, 20, count)
            .round()
            .clip(1, 180)
            .astype(int),
            "Weight": np.array([1.5, 1.1, 0.8, 0.6])[size],
        }
    )


def _answered(rng: np.random.Generator, companies: pd.DataFrame) -> pd.DataFrame:
    """Add what companies answer, buy and decide: by class, style and chance."""
    wave, count = companies.copy(), len(companies)
    kind, style = wave["class"].to_numpy(), wave["style"].to_numpy()
    shift = wave["level"] + np.select([style == "yes", style == "no"], [1.1, -1.1])
    straight, level = style == "straight", rng.choice([1, 3, 5], count)
    for motive, of in MOTIVES.items():
        odds = np.where(np.isin(kind, of), NAMED, OTHER)
        yes = rng.random(count) < expit(np.log(odds / (1 - odds)) + shift)
        wave[motive] = np.where(np.where(straight, level > 2, yes), "Yes", "No")
    for item, means in ATTITUDES.items():
        value = np.array(means)[kind] + 0.4 * shift + rng.normal(0, 0.8, count)
        value = np.where(straight, level, value.round().clip(1, 5))
        wave[item] = value.astype(int)
    pleased = rng.normal(3.7, 0.9, count) + 0.3 * shift - 0.4 * (kind == 2)
    pleased = np.where(straight, level, pleased.round().clip(1, 5)).astype(int)
    wave["Satisfaction"] = np.array(SATISFACTION)[pleased - 1]
    wear, months = wave["Employees in uniform"], wave["Months as customer"]
    orders = rng.poisson(3 + 1.4 * np.log(wear) + 2 * (kind == 2))
    wave["Orders per year"] = orders
    wave["Invoices per year"] = orders + (rng.random(count) < 0.1)
    wave["Share ordered online"] = rng.beta(2 + 2 * (kind == 2), 3, count).round(2)
    spend = 90 * wear**0.9 * np.exp(rng.normal(0, 0.5, count)) * (1 + 0.1 * (kind == 1))
    wave["Annual spend"] = spend.round(2)
    wave["Monthly fee"] = (4 + 0.06 * spend / 12).round(2)
    odds = np.array(RENEWED)[kind] + PER_MONTH * (months - 40)
    renewed = rng.random(count) < expit(odds)
    left = ~renewed & (rng.random(count) < 0.85)
    wave["Contract renewed"] = np.where(renewed, "Yes", "No")
    wave["Has left"] = np.where(left, "Yes", "No")
    reasons = rng.choice(["Price", "Delivery", "Closed down", "Other"], count)
    wave["Reason for ending"] = np.where(renewed, None, reasons)
    wave["Country"] = "Germany"
    wave["Comment"] = np.where(rng.random(count) < 0.2, rng.choice(COMMENTS, count), "")
    return wave.drop(columns="level")


def _spoilt(rng: np.random.Generator, wave: pd.DataFrame) -> pd.DataFrame:
    """Lose answers, mistype a few numbers, and let some rows come twice or empty."""
    wave = wave.drop(columns="style").astype(object)
    given = wave.columns.drop(["Respondent", "class", "Weight", "Country", "Comment"])
    kept = given.drop(["Months as customer", "Contract renewed", "Has left"])
    lost = rng.random((len(wave), len(kept))) < MISSING
    wave[kept] = wave[kept].mask(lost)
    odd = rng.permutation(len(wave))
    stopped, empty = odd[:12], odd[12:24]  # in the middle of the motives, and at once
    wave.iloc[stopped, [wave.columns.get_loc(name) for name in list(MOTIVES)[4:]]] = (
        None
    )
    wave.loc[empty, [*given, "Country", "Comment"]] = None
    for start, (name, value) in zip((30, 41, 53), IMPOSSIBLE.items(), strict=True):
        wave.loc[odd[start : start + 11], name] = value
    copies = wave.iloc[np.sort(odd[70 : 70 + len(wave) // 50])]
    return pd.concat([wave, copies], ignore_index=True)


def write(folder: Path) -> None:
    """Write both waves into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("survey.csv", "second_wave.csv")
    for name, wave in zip(names, survey(), strict=True):
        wave.to_csv(folder / name, index=False, lineterminator="\n")


if __name__ == "__main__":
    write(FOLDER)
