import datetime

import pytest
import yaml

from helpers.core import paths
from helpers.intake import check

MAPPED = {
    "customer_id": "Customer",
    "order_id": "Order",
    "ordered_at": "Day",
    "product_id": "Item",
    "quantity": "Pieces",
    "amount": "Paid",
}


@pytest.fixture
def shop(monkeypatch, tmp_path):
    """Lay out a shop with orders on every day of 2024; return what check says of a run."""
    monkeypatch.delenv("STUDY_HOME", raising=False)
    books = {book.name: book.read_bytes() for book in paths.notebooks()}
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    for folder in ("notebooks", "runs", "data/raw/shop"):
        (tmp_path / folder).mkdir(parents=True)
    for name, content in books.items():
        (tmp_path / "notebooks" / name).write_bytes(content)
    rows = ["Customer,Order,Day,Item,Pieces,Paid"]
    for i in range(366 * 2):
        day = datetime.date(2024, 1, 1) + datetime.timedelta(days=i // 2)
        rows.append(f"c{i % 60},o{i},{day},p{i % 7},{1 + i % 3},{2 + i % 5}.5")
    (tmp_path / "data/raw/shop/orders.csv").write_text("\n".join(rows) + "\n")

    def checked(text="", **table):
        lines = {"file": "orders.csv", "columns": MAPPED, **table}
        content = {"source": "files", "tables": {"lines": lines}}
        (tmp_path / "runs/shop.yaml").write_text(f"{yaml.safe_dump(content)}{text}")
        return check.check("shop")

    return checked


def errors(found):
    return found.loc[found["level"] == "error", "said"].tolist()


WIDE = """\
01_cleaning: {coverage_start: 2022-01-01, coverage_end: 2025-12-31}
02_feature_engineering:
  {train_start: 2022-01-01, train_end: 2024-09-30, holdout_end: 2025-12-31}
"""


def test_windows_that_fit_the_lines_are_passed_and_the_study_is_foretold(shop):
    found, foretold = shop("all: {currency: EUR}")
    assert errors(found) == []
    # a quarter of 366 days, 91, is kept to judge by
    windows = "features from 2024-01-01 to 2024-10-01, judged by the days to 2024-12-31"
    assert foretold[0] == f"Windows: {windows}."


def test_windows_beyond_the_lines_are_errors_with_the_days_covered(shop):
    found, foretold = shop(WIDE)
    covered = ["366 of its 1,461 days", "274 of its 1,004 days", "92 of its 457 days"]
    told = errors(found)
    assert len(told) == 3
    assert all(days in said for days, said in zip(covered, told, strict=True))
    assert foretold == []


def test_a_window_somewhat_beyond_the_lines_is_a_warning(shop):
    found, foretold = shop(
        "01_cleaning: {coverage_start: 2023-12-01, coverage_end: 2024-12-31}"
    )
    beyond = found[found["said"].str.contains("goes beyond the data")]
    assert beyond["level"].tolist() == ["warning"]
    assert "366 of its 397 days" in beyond["said"].iloc[0]
    assert foretold


def test_all_faults_of_the_run_file_are_told_with_those_of_the_tables(shop):
    found, _ = shop(
        "all: {currency: Rupees}\n01_cleaning: {disabled_rules: [duplicates], coverage_end: 2024-02-30}\n"
        "02_feature_engineering: {min_orders: 0, max_k: 4}",
        encoding="utf-9",
    )
    told = errors(found)
    for part in (
        "`all:` sets currency to 'Rupees'",
        "'duplicates': write one of exact copy",
        "there is no such day",
        "sets min_orders to 0; write a whole number of 1 or more",
        "03_clustering_choice declares it: write it under `03_clustering_choice:`",
        "`encoding:` utf-9 is not known",
    ):
        assert sum(part in said for said in told) == 1
    assert len(told) == 6


def test_the_exit_code_and_the_last_line_say_how_many_there_are(shop, capsys):
    found, _ = shop(WIDE)
    assert check.main(["shop"]) == 1
    warnings = (found["level"] == "warning").sum()
    *_, last = capsys.readouterr().out.splitlines()
    assert last == f"Errors: 3, warnings: {warnings}. Nothing was written."


def test_of_a_run_without_own_files_nothing_is_foretold(shop):
    shop()
    (paths.ROOT / "runs/shop.yaml").write_text("source: complete_journey\n")
    found, foretold = check.check("shop")
    assert found.empty
    assert foretold == []
