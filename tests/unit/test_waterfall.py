"""The ledger as a statement: which lines it has, and that each part adds up to its whole."""

from assets.costing.waterfall import Sums, sections
from schemas.activity import UNLINKED

ENTRIES = [
    # stage, part_of, status, records, submitted pence, cost pence
    ("received", None, "received", 10, 1000, None),
    ("door", "received", "rejected", 1, 10, None),
    ("door", "received", "superseded", 2, 20, None),
    ("door", "received", "withdrawn", 1, 70, None),
    ("door", "received", "accepted", 6, 900, None),
    ("linkage", "accepted", "linked", 4, 800, 1300),
    ("linkage", "accepted", "dummy", 1, 60, 60),
    ("linkage", "accepted", "one_time", 1, 40, 40),
    ("pricing", "linked", "submitted", 2, 800, 800),
    ("pricing", "linked", "exact", 1, 0, 500),
    ("pricing", "linked", "unpriced", 1, 0, None),
    ("pricing", "dummy", "submitted", 1, 60, 60),
    ("pricing", "one_time", "submitted", 1, 40, 40),
    ("exposure", "linked", "registered", 3, 800, 1100),
    ("exposure", "linked", "after_death", 1, 0, 200),
]


def shown(entries):
    return [[(line.kind, line.label, line.sums) for line in lines] for lines in sections(entries)]


def test_the_statement_runs_from_what_was_received_to_what_is_priced():
    door, linkage, linked, unlinked, registered = shown(ENTRIES)
    assert door == [
        ("total", "Received", Sums(10, 1000)),
        ("less", "rejected to quarantine", Sums(1, 10)),
        ("less", "superseded by a later delivery", Sums(2, 20)),
        ("less", "withdrawn", Sums(1, 70)),
        ("total", "Accepted", Sums(6, 900, 1300 + 60 + 40)),
    ]
    assert linkage == [
        ("less", f"dummy: {UNLINKED['dummy']}", Sums(1, 60, 60)),
        ("less", f"one_time: {UNLINKED['one_time']}", Sums(1, 40, 40)),
        ("total", "Linked to a person", Sums(4, 800, 1300)),
    ]
    assert linked == [
        ("total", "Linked, by how it is priced", Sums(4, 800, 1300)),
        ("of", "as submitted by the provider", Sums(2, 800, 800)),
        ("of", "price book, by its code", Sums(1, 0, 500)),
        ("of", "unpriced: no price known", Sums(1, 0, None)),
    ]
    assert unlinked == [
        ("total", "Unlinked, by how it is priced", Sums(2, 100, 100)),
        ("of", "as submitted by the provider", Sums(2, 100, 100)),
    ]
    assert registered == [
        ("total", "Linked, by registration", Sums(4, 800, 1300)),
        ("of", "on a day registered", Sums(3, 800, 1100)),
        ("of", "dated after death", Sums(1, 0, 200)),
    ]


def test_rows_of_several_months_are_added_up_and_a_feed_without_prices_has_none():
    twice = [("received", None, "received", 3, None, None), ("received", None, "received", 4, None, None)]
    [[received, _]] = shown([*twice, ("door", "received", "accepted", 7, None, None)])
    assert received == ("total", "Received", Sums(7, None, None))


def test_what_there_is_none_of_has_no_line():
    assert shown([]) == []
