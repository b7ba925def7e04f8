"""Which links between identifiers count and where they lead, against a plain reading of the same rules."""

import logging
from collections import defaultdict
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.feeds.current import build_feed
from assets.feeds.withdrawn import build_withdrawn_identifier
from assets.linkage.chains import circles, follow
from assets.linkage.identity import build_identifier_link, identify
from assets.linkage.links import LINK, bridge_links, merger_links
from assets.reference import build_reference
from schemas.contract import contracts
from schemas.feeds import LINK_FEEDS
from schemas.identifiers import DUMMY_PSEUDONYM

MERGER = pl.Schema(
    {
        **dict.fromkeys(("pseudonym_domain", "superseded_pseudonym", "pseudonym"), pl.String),
        "merged_on": pl.Date,
        "event_code": pl.String,
    }
)
BRIDGE = pl.Schema(
    {
        **dict.fromkeys(("bridged_domain", "bridged_pseudonym", "pseudonym_domain", "pseudonym"), pl.String),
        "bridged_from": pl.Date,
        "bridged_to": pl.Date,
    }
)
REGISTER = pl.Schema({"pseudonym_domain": pl.String, "pseudonym": pl.String, "since": pl.Date})


def day(number):
    return date(2024, 1, number)


def merge(rows):
    """Mergers of the county, written as superseded, surviving, day and event."""
    return pl.DataFrame([("county", old, new, day(on), event) for old, new, on, event in rows], MERGER, orient="row")


def bridge(rows, into="county"):
    """Bridges, written as domain, identifier, pseudonym (or domain and pseudonym), first and last day."""
    told = [
        (*old, *(new if isinstance(new, tuple) else (into, new)), day(since), to and day(to))
        for *old, new, since, to in rows
    ]
    return pl.DataFrame(told, BRIDGE, orient="row")


def ends(mergers=(), bridges=()):
    """By identifier where its links lead, or why nowhere."""
    links = pl.concat([merger_links(merge(mergers)), bridge_links(bridge(bridges))])
    return {
        (domain, pseudonym): (end_domain, end) if end else finding
        for domain, pseudonym, end_domain, end, finding in follow(links)
        .select("from_domain", "from_pseudonym", "end_domain", "end_pseudonym", "finding")
        .rows()
    }


def merged_into(*rows):
    return {old: end if isinstance(end, str) else end[1] for (_, old), end in ends(mergers=rows).items()}


@pytest.mark.parametrize(
    ("events", "ends"),
    [
        pytest.param([("a", "b", 1, "merged")], {"a": "b"}, id="merged"),
        pytest.param([("a", "b", 1, None)], {"a": "b"}, id="a blank is a merger"),
        pytest.param([("a", "b", 1, "merged"), ("a", "b", 2, "reversed")], {}, id="reversed"),
        pytest.param([("a", "b", 1, "merged"), ("a", "b", 1, "reversed")], {}, id="reversed on its day"),
        pytest.param([("a", "b", 2, "merged"), ("a", "b", 1, "reversed")], {"a": "b"}, id="merged again"),
        pytest.param([("a", "b", 1, "merged"), ("a", "b", 2, "split")], {}, id="split"),
        pytest.param([("a", "b", 1, "merged"), ("a", "c", 2, "split")], {}, id="split from another"),
        pytest.param([("a", "b", 3, "merged"), ("a", "c", 2, "split")], {"a": "b"}, id="merged after a split"),
        pytest.param([("a", "b", 1, None), ("a", "c", 2, None)], {"a": "c"}, id="the later one counts"),
        pytest.param(
            [("a", "b", 1, None), ("a", "c", 2, None), ("a", "c", 3, "reversed")], {"a": "b"}, id="what is left counts"
        ),
        pytest.param([("a", "b", 1, None), ("b", "c", 2, None)], {"a": "c", "b": "c"}, id="a chain"),
        pytest.param([("a", "b", 1, None), ("a", "c", 1, None)], {"a": "fork"}, id="a fork"),
        pytest.param(
            [("a", "b", 1, None), ("a", "c", 1, None), ("b", "c", 2, None)],
            {"a": "c", "b": "c"},
            id="a fork that meets",
        ),
        pytest.param(
            [("x", "a", 1, None), ("a", "b", 1, None), ("a", "c", 1, None)], {"a": "fork", "x": "fork"}, id="to a fork"
        ),
        pytest.param([("a", "b", 1, None), ("b", "a", 1, None)], {"a": "a", "b": "b"}, id="a circle"),
        pytest.param(
            [("x", "a", 1, None), ("a", "b", 1, None), ("b", "a", 1, None)],
            {"x": "a", "a": "a", "b": "b"},
            id="a chain into a circle ends where it meets it",
        ),
        pytest.param([("a", "b", 1, "split")], {}, id="a split alone"),
    ],
)
def test_mergers(events, ends):
    assert merged_into(*events) == ends
    assert merged_into(*reversed(events)) == ends


@pytest.mark.parametrize(
    ("pairs", "end"),
    [
        pytest.param([("a", 1, None)], "a", id="one"),
        pytest.param([("a", 1, 5)], "a", id="one that ended"),
        pytest.param([("a", 1, None), ("b", 2, None)], "b", id="corrected"),
        pytest.param([("a", 1, 2), ("b", 3, None)], "reused", id="given to somebody else"),
        pytest.param([("a", 1, 2), ("a", 3, None)], "a", id="given back"),
        pytest.param([("a", 1, None), ("b", 1, None)], "fork", id="two on one day"),
        pytest.param([("b", 1, 2), ("m", 3, None)], "b", id="to one person under two pseudonyms"),
    ],
)
def test_bridges(pairs, end):
    rows = [("csds", "x", *pair) for pair in pairs]
    for told in (rows, rows[::-1]):
        found = ends(mergers=[("m", "b", 1, None)], bridges=told)["csds", "x"]
        assert found == (end if end in {"fork", "reused"} else ("county", end))


def test_a_bridge_and_a_merger_of_one_identifier_must_agree():
    both = bridge([("county", "a", "b", 1, None)])
    for survivor, finding in (("b", None), ("c", "fork")):
        links = pl.concat([merger_links(merge([("a", survivor, 1, None)])), bridge_links(both)])
        assert follow(links).filter(pl.col("from_pseudonym") == "a")["finding"].to_list() == [finding]


def test_a_rotated_key_is_followed_over_two_domains():
    old = pl.DataFrame([("old", "1", "new", "2", day(1), None)], BRIDGE, orient="row")
    new = pl.DataFrame([("new", "2", "county", "3", day(2), None)], BRIDGE, orient="row")
    found = follow(bridge_links(pl.concat([new, old]))).sort("step_count", descending=True)
    assert found.select("from_domain", "end_domain", "end_pseudonym", "since", "step_count").rows() == [
        ("old", "county", "3", day(2), 2),
        ("new", "county", "3", day(2), 1),
    ]


def test_a_long_chain_is_followed_to_its_end():
    links = [(f"{place:05}", f"{place + 1:05}", 1, None) for place in range(5_000)]
    found = follow(merger_links(merge(links)))
    assert set(found["end_pseudonym"]) == {"05000"}
    assert found["step_count"].sort().to_list() == list(range(1, 5_001))


def test_without_links_nothing_is_found():
    assert follow(pl.DataFrame(schema=LINK)).height == 0


@pytest.mark.parametrize(
    ("links", "found"),
    [
        ({1: [2], 2: [3]}, set()),
        ({1: [1]}, {1}),
        ({1: [2], 2: [1], 3: [1]}, {1, 2}),
        ({1: [2, 3], 2: [1], 3: [4], 4: [3], 5: [2, 4]}, {1, 2, 3, 4}),
        ({1: [2], 2: [1, 3], 3: [4], 4: [5], 5: [4]}, {1, 2, 4, 5}),
    ],
)
def test_circles(links, found):
    assert circles(links) == found


# The same rules, read one identifier at a time.


def plain_links(mergers, bridges):
    """By identifier its links, each with whether it is a former one."""
    found = defaultdict(set)
    for old in {row[0] for row in mergers}:
        told = [row for row in mergers if row[0] == old]
        live = {}
        for new in {row[1] for row in told}:
            merged = [on for _, to, on, event in told if to == new and event in (None, "merged")]
            undone = [on for _, to, on, event in told if event == "split" or (to == new and event == "reversed")]
            if merged and max(merged) > max(undone, default=0):
                live[new] = max(merged)
        found["county", old] |= {("county", new) for new, on in live.items() if on == max(live.values())}
    for domain, old in {row[:2] for row in bridges}:
        told = [row for row in bridges if row[:2] == (domain, old) != row[2]]
        last = max((row[3] for row in told), default=0)
        found[domain, old] |= {new for *_, new, since, to in told if since == last or to}
    return {one: targets for one, targets in found.items() if targets}


def reached(one, links):
    found, ahead = set(), [one]
    while ahead:
        for target in links.get(ahead.pop(), ()):
            if target not in found:
                found.add(target)
                ahead.append(target)
    return found


def plain_ends(one, links):
    """Where all ways from an identifier end."""
    if one not in links or one in reached(one, links):
        return {one}
    return {end for target in links[one] for end in plain_ends(target, links)}


names = st.sampled_from("abcdef")
days = st.integers(1, 4)
mergers_ = st.lists(
    st.tuples(names, names, days, st.sampled_from([None, "merged", "merged", "reversed", "split"])).filter(
        lambda row: row[0] != row[1]
    ),
    max_size=10,
)
bridges_ = st.lists(  # of a foreign domain, of an old key to a new one, and of the register's own
    st.tuples(
        st.sampled_from(["csds", "new", "county"]),
        names,
        st.tuples(st.sampled_from(["county", "county", "new"]), names),
        days,
        st.sampled_from([None, None, 4]),
    ),
    max_size=8,
)


@given(mergers=mergers_, bridges=bridges_, registered=st.sets(names, min_size=1))
def test_people_are_those_of_a_plain_reading(mergers, bridges, registered):
    links = plain_links(mergers, bridges)
    everyone = (
        {("county", one) for one in registered} | links.keys() | {t for targets in links.values() for t in targets}
    )
    led = {one: plain_ends(one, links) for one in everyone}
    alive = {next(iter(led["county", one])) for one in registered if len(led["county", one]) == 1}
    expected = {one: next(iter(to)) for one, to in led.items() if len(to) == 1 and to <= alive}
    assert people(mergers, bridges, registered) == expected


def people(mergers, bridges, registered):
    """By identifier the one by which its person is known."""
    found = index(mergers, bridges, registered).select("pseudonym_domain", "pseudonym", "person_id", "how").rows()
    known = {person: (domain, pseudonym) for domain, pseudonym, person, how in found if how == "direct"}
    return {(domain, pseudonym): known[person] for domain, pseudonym, person, _ in found}


def index(mergers, bridges, registered):
    links = follow(pl.concat([merger_links(merge(mergers)), bridge_links(bridge(bridges))]))
    links = links.rename({"from_domain": "pseudonym_domain", "from_pseudonym": "pseudonym"})
    rows = [("county", one, day(1 + "abcdef".index(one))) for one in registered]
    return identify(pl.DataFrame(rows, REGISTER, orient="row"), links, "key").sort("pseudonym_domain", "pseudonym")


@given(data=st.data(), mergers=mergers_, bridges=bridges_, registered=st.sets(names, min_size=1))
def test_any_order_gives_the_same_index(data, mergers, bridges, registered):
    first = index(mergers, bridges, sorted(registered))
    again = index(  # two suppliers may tell the same
        data.draw(st.permutations(mergers + mergers[:2])),
        data.draw(st.permutations(bridges + bridges[:2])),
        data.draw(st.permutations(sorted(registered))),
    )
    assert again.rows() == first.rows()


def test_oddities_are_counted_and_not_named(caplog, deliver, home):
    header = {column.name: column.header for column in contracts()["person_merger"].columns}
    pairs = [("marker1", "marker2"), ("marker2", "marker1"), ("marker3", "marker4"), ("marker3", "marker5")]
    deliver(
        "merger",
        *({header["superseded_pseudonym"]: old, header["pseudonym"]: new} for old, new in pairs),
        feed="person_merger",
        plain=dict.fromkeys(header.values(), "") | {header["merged_on"]: "2024-04-02"},
    )
    for feed in LINK_FEEDS:
        build_feed(home.store, home.landing, contracts()[feed])
    build_reference(home.store, DUMMY_PSEUDONYM)
    build_withdrawn_identifier(home.store)
    with caplog.at_level(logging.WARNING):
        build_identifier_link(home.store)
    told = [record.getMessage() for record in caplog.records if "identifier_link" in record.getMessage()]
    assert told == [
        "identifier_link: 2 identifiers run in a circle; these links are void",
        "identifier_link: 1 identifiers stand for nobody: fork",
    ]
