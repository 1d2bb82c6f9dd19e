"""The search for dominated sums finds a planted one, and no other."""

import dominated
import pandas as pd

SALES = [600.0, *[10.0] * 14, *[50.0] * 20]


def page(head, *rows):
    body = "".join(f"<tr><th>{name}</th><td>{said}</td></tr>" for name, said in rows)
    caption = "<caption>Sizes</caption>"
    return {
        "a.html": f"<table>{caption}<tr><th>Segment</th><th>{head}</th></tr>{body}</table>"
    }


def found(pages):
    customers = pd.DataFrame({"segment": ["A"] * 15 + ["B"] * 20, "sales": SALES})
    customers["holdout_sales"] = customers["sales"].clip(upper=50)
    return list(dominated.find(pages, customers))


def test_a_sum_of_which_one_customer_holds_over_half_is_found():
    # 600 of 740; in B each holds a twentieth, of all 600 of 1,740
    rows = ("A", "740"), ("B", "1,000"), ("All", "1,740")
    assert found(page("Sales, $", *rows)) == [
        ("a.html", "Sizes", "A", "Sales, $", round(600 / 740, 3))
    ]
    assert found(page("Mean sales per customer", ("A", "$49")))
    assert not found(page("Later sales, $", *rows))


def test_what_is_withheld_or_no_money_or_of_nobody_known_is_passed_over():
    assert not found(page("Sales, $", ("A", "withheld"), ("C", "740")))
    assert not found(page("Customers", ("A", "15")))
