"""Any order of arrival, over any number of nights, gives one and the same result; a plain reckoning gives it, too."""

import csv
import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from assets.feeds.current import build_feed, judged_receipts
from pipelines.store import Store
from schemas.contract import Contract, ContractColumn
from schemas.contract_model import Limit
from tests.accounts import build_accounts

FIRST_DAY = date(2024, 3, 27)  # so that days fall into two months
ORDERS = 6  # of each history, each over a random number of nights
HISTORIES = 12  # of each kind of feed, so 216 orders in all
PROVIDERS = ("RA1", "RB2")
KEYS = ("v1", "v2", "v3", "v4", "v5", "v6")
SUBMISSIONS = ("s1", "s2", "s3")


def day(number: int) -> date:
    return FIRST_DAY + timedelta(number)


@dataclass(frozen=True)
class Row:
    key: str
    provider: str
    first: int
    last: int | None
    minutes: int
    submission: str | None


@dataclass(frozen=True)
class Sent:
    """One delivery; days are numbers."""

    supplier: str
    providers: tuple[str, ...]
    period: tuple[int, int]
    received: int
    rows: tuple[Row, ...] | None
    deletes: tuple[str, ...] | None = None
    active: tuple[str, ...] | None = None
    is_whole: bool = True
    name: str = ""

    @property
    def content(self) -> tuple[Any, ...]:
        return self.supplier, self.providers, self.period, self.rows, self.deletes, self.active


def history_of(kind: str, chance: Random) -> list[Sent]:
    """Several suppliers and providers; whole and part periods sent again; repeats, deletes, lists, broken files."""
    sent = [_delivery(kind, chance) for _ in range(chance.randint(3, 6))]
    sent += [replace(one, received=chance.randint(0, 5)) for one in chance.sample(sent, chance.randint(0, 2))]
    return [replace(one, name=f"d{number}") for number, one in enumerate(sent)]


def _delivery(kind: str, chance: Random) -> Sent:
    period = chance.choice([(0, 4), (5, 9), (0, 9), (3, 7), (5, 5), (2, 11), (4, 13)])
    providers = chance.choice([(), (), (), PROVIDERS, ("RA1",)])
    whose = providers if providers and chance.random() < 0.9 else PROVIDERS  # else it holds rows of others
    rows = tuple(_row(kind, period, whose, chance) for _ in range(chance.randint(0, 6)))
    deletes = tuple(chance.sample(KEYS, 2)) if kind != "service" and chance.random() < 0.3 else None
    active = tuple(chance.sample(SUBMISSIONS, 2)) if kind != "service" and chance.random() < 0.3 else None
    return Sent(
        supplier=chance.choice(["north", "north", "south"]),
        providers=providers,
        period=period,
        received=chance.randint(0, 5),
        rows=None if (deletes or active) and chance.random() < 0.3 else rows,
        deletes=deletes,
        active=active,
        is_whole=chance.random() < 0.93,
    )


def _row(kind: str, period: tuple[int, int], providers: Sequence[str], chance: Random) -> Row:
    margin = 3 if kind == "service" else 0  # a service may begin long before, or miss its period
    first = chance.randint(period[0] - margin, period[1])
    return Row(
        key=chance.choice(KEYS),
        provider=chance.choice(providers),
        first=first,
        last=chance.choice([None, first + chance.randint(-1, 8)]),
        minutes=0 if chance.random() < 0.1 else 20,
        submission=chance.choice([None, *SUBMISSIONS]),
    )


# The same rules once more, in plain Python: day by day, row by row, sharing nothing with the program.


@dataclass
class Reckoned:
    verdicts: dict[str, str] = field(default_factory=dict)
    rows: list[tuple[str, int, date, date]] = field(default_factory=list)


def reckon(history: list[Sent], kind: str) -> Reckoned:
    found, kept, held = Reckoned(), {}, {}
    seen: list[tuple[Any, ...]] = []
    contenders = []
    for sent in sorted(history, key=lambda one: (one.received, one.name)):
        accepted, broken = _sorted_rows(sent, kind)
        if not sent.is_whole or (sent.providers and any(r.provider not in sent.providers for _, r in accepted)):
            found.verdicts[sent.name] = "refused"
        elif sent.content in seen:
            found.verdicts[sent.name] = "repeat"
        elif broken > 1:
            found.verdicts[sent.name] = "refused"
            seen.append(sent.content)
        else:
            found.verdicts[sent.name] = "accepted"
            kept[sent.name] = accepted
            seen.append(sent.content)
            contenders.append(sent)
    if kind == "register":
        contenders.sort(key=lambda one: (one.period[1], one.received, one.name))
    order: list[Sent] = []
    for sent in (one for one in contenders if one.rows is not None):
        days = set(range(sent.period[0], sent.period[1] + 1))
        scope = set(range(-99, 99)) if kind == "register" else days
        whom = sent.providers or (*PROVIDERS, "unknown")
        loss = {
            o.name: {(p, d) for p, d in held[o.name] if o.supplier == sent.supplier and p in whom and d in scope}
            for o in order
        }
        if kind == "service" and any(_gaps(held[name] - loss[name]) for name in loss):
            found.verdicts[sent.name] = "refused"
            continue
        for name, lost in loss.items():
            held[name] -= lost
            if not held[name] and found.verdicts[name] == "accepted":
                found.verdicts[name] = "superseded"
        own = sent.providers or {row.provider for _, row in kept[sent.name]} or {"unknown"}
        held[sent.name] = {(p, d) for p in own for d in days}
        order.append(sent)
    heard = [one for one in contenders if found.verdicts[one.name] != "refused"]
    current = [
        (sent, number, row)
        for sent in order
        for number, row in kept[sent.name]
        if _days(row, sent, kind) & {d for p, d in held[sent.name] if p == row.provider}
        and _is_active(sent, row, heard)
        and not any(_later(o, sent) and o.supplier == sent.supplier and row.key in (o.deletes or ()) for o in heard)
    ]
    for sent, number, row in current:
        later = [
            o
            for o, _, r in current
            if r.key == row.key
            and o.supplier == sent.supplier
            and (o.period[1], o.received, o.name) > (sent.period[1], sent.received, sent.name)
        ]
        if kind == "service" or not later:
            days = {d for p, d in held[sent.name] if p == row.provider} if kind == "service" else sent.period
            found.rows.append((sent.name, number, day(min(days)), day(max(days))))
    found.rows.sort()
    return found


def _sorted_rows(sent: Sent, kind: str) -> tuple[list[tuple[int, Row]], int]:
    accepted, keys, broken = [], set(), 0
    for number, row in enumerate(sent.rows or (), start=1):
        if row.minutes < 1:
            broken += 1
        elif kind == "service":
            if row.first <= sent.period[1] and (row.last is None or row.last >= max(row.first, sent.period[0])):
                accepted.append((number, row))
        elif row.key not in keys:
            keys.add(row.key)
            accepted.append((number, row))
    return accepted, broken


def _gaps(held: set[tuple[str, int]]) -> bool:
    by_provider = [[d for p, d in held if p == provider] for provider in {p for p, _ in held}]
    return any(max(days) - min(days) >= len(days) for days in by_provider)


def _days(row: Row, sent: Sent, kind: str) -> set[int]:
    if kind != "service":
        return {row.first}
    return set(range(row.first, (99 if row.last is None else row.last) + 1))


def _later(one: Sent, other: Sent) -> bool:
    return (one.received, one.name) > (other.received, other.name)


def _is_active(sent: Sent, row: Row, heard: list[Sent]) -> bool:
    lists = [o for o in heard if o.active is not None and o.supplier == sent.supplier]
    if not lists or row.submission is None:
        return True
    latest = max(lists, key=lambda o: (o.received, o.name))
    return _later(sent, latest) or row.submission in (latest.active or ())


# The program.


@pytest.fixture
def kinds(visit: Contract) -> Mapping[str, Contract]:
    """A feed of periods with a record key and submissions, one of services, and one of snapshots."""
    optional = next(column for column in visit.columns if column.name == "mode")
    submission: ContractColumn = replace(
        optional, name="submission_id", header="Submission", values=(), may_be_absent=True
    )
    until = next(column for column in visit.columns if column.name == "visit_date")
    until = replace(until, name="last_date", header="Until", required=False)
    columns = tuple(
        replace(column, severities={"minimum": "refuse"}, limits={"minimum": Limit(count=1)})
        if column.name == "minutes"
        else column
        for column in visit.columns
    )
    [outside] = visit.row_predicates
    touching = [
        replace(outside, argument="visit_date > period_end OR last_date < period_start"),
        replace(outside, code="visit.ends_before_it_starts", argument="last_date < visit_date"),
    ]
    keyed = replace(visit, columns=(*columns, submission), submission_column="submission_id")
    return {
        "visit": keyed,
        "register": replace(keyed, submission_rule="snapshot"),
        "service": replace(
            visit,
            columns=(*columns, until),
            record_key=(),
            activity_date_column="last_date",
            interval_columns=("visit_date", "last_date"),
            row_predicates=tuple(touching),
        ),
    }


def write(sent: Sent, folder: Path) -> None:
    """The delivery as its supplier sends it."""
    folder.mkdir(parents=True)
    files = {}
    if sent.rows is not None:
        records = [
            {
                "Visit": row.key,
                "Pseudonym": "p1",
                "Provider": row.provider,
                "Date": day(row.first),
                "Mode": "seen",
                "Minutes": row.minutes,
                "Price": "1.00",
                "Submission": row.submission,
                "Until": None if row.last is None else day(row.last),
            }
            for row in sent.rows
        ]
        headers = ["Visit", "Pseudonym", "Provider", "Date", "Mode", "Minutes", "Price", "Submission", "Until"]
        files["records"] = (headers, records)
    if sent.deletes is not None:
        files["deletes"] = (["visit_id"], [{"visit_id": key} for key in sent.deletes])
    if sent.active is not None:
        files["active_submissions"] = (["Submission"], [{"Submission": one} for one in sent.active])
    announced = []
    for role, (headers, records) in files.items():
        text = io.StringIO()
        writer = csv.DictWriter(text, headers)
        writer.writeheader()
        writer.writerows(records)
        content = text.getvalue().encode()
        (folder / f"{role}.csv").write_bytes(content)
        digest = hashlib.sha256(content if sent.is_whole else b"").hexdigest()
        announced.append({"name": f"{role}.csv", "format": "csv", "sha256": digest, "rows": len(records), "role": role})
    manifest = {
        "delivery_id": sent.name,
        "feed": "visit",
        "contract_version": "1.0.0",
        "supplier": sent.supplier,
        "pseudonym_domain": "county",
        "synthetic": True,
        "period_start": str(day(sent.period[0])),
        "period_end": str(day(sent.period[1])),
        "received_at": f"2024-05-18T0{sent.received}:00:00Z",
        "files": announced,
    }
    providers = {"providers": list(sent.providers)} if sent.providers else {}
    (folder / "delivery.json").write_text(json.dumps(manifest | providers))


def run(nights: Sequence[Sequence[str]], sent: Path, home: Path, contract: Contract) -> tuple[Store, dict[str, Any]]:
    """What is current once these deliveries have arrived, some each night."""
    store, landing = Store(home / "store"), home / "landing"
    store.root.mkdir(parents=True)
    for night in nights:
        for name in night:
            shutil.copytree(sent / name, landing / "visit" / name)
        stored = build_feed(store, landing, contract)
    with store.engine() as engine:
        store.register(engine, "visit", [stored], None)
        rows = engine.fetch("select delivery_id, source_row, period_start, period_end from visit order by all")
    verdicts = {j.receipt.delivery_id: (j.verdict, j.reason) for j in judged_receipts(store.root / "visit")}
    copies = sorted(str(path.relative_to(store.root)) for path in store.root.glob("visit/*/cut-*"))
    return store, {"rows": rows, "verdicts": verdicts, "stored": replace(stored, computed=False), "copies": copies}


@pytest.mark.parametrize("kind", ["visit", "service", "register"])
def test_any_order_over_any_nights_gives_what_a_plain_reckoning_gives(kind: str, kinds: Mapping[str, Contract]) -> None:
    seen_verdicts: set[str] = set()

    @settings(max_examples=HISTORIES, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(seed=st.integers(0, 2**32))
    def check(seed: int) -> None:
        chance = Random(seed)  # hypothesis itself draws too many small and equal histories
        history = history_of(kind, chance)
        with tempfile.TemporaryDirectory() as folder:
            sent, names = Path(folder) / "sent", [one.name for one in history]
            for one in history:
                write(one, sent / one.name)
            store, once = run([names], sent, Path(folder) / "once", kinds[kind])
            reckoned = reckon(history, kind)
            assert {name: verdict for name, (verdict, _) in once["verdicts"].items()} == reckoned.verdicts
            assert once["rows"] == reckoned.rows
            assert once["stored"].rows == len(reckoned.rows)
            accounts_add_up(store, kinds[kind], history, reckoned)
            for number in range(ORDERS):
                order = chance.sample(names, len(names))
                breaks = sorted(chance.sample(range(1, len(names)), chance.randint(0, 2)))
                nights = [order[a:b] for a, b in zip([0, *breaks], [*breaks, len(order)], strict=True)]
                assert run(nights, sent, Path(folder) / f"order{number}", kinds[kind])[1] == once
            seen_verdicts.update(reckoned.verdicts.values())

    check()
    assert seen_verdicts == {"accepted", "superseded", "repeat", "refused"}


def accounts_add_up(store: Store, contract: Contract, history: list[Sent], reckoned: Reckoned) -> None:
    """Every row received is rejected, superseded or accepted, and the accepted ones are those that are current."""
    build_accounts(store, {"visit": contract})
    receipts = store.frame("delivery_receipt")
    received = {one.name: len(one.rows or ()) if one.is_whole else 0 for one in history}
    for measure in ("rows", "pence"):
        parts = sum(receipts[f"{status}_{measure}"] for status in ("rejected", "superseded", "accepted"))
        assert parts.to_list() == receipts[f"received_{measure}"].to_list()
        assert min(receipts[f"{status}_{measure}"].min() for status in ("rejected", "superseded", "accepted")) >= 0
    counted = dict(receipts.select("delivery_id", "received_rows").rows())
    assert {name: rows for name, rows in counted.items() if rows} == {
        name: rows for name, rows in received.items() if rows and counted[name]
    }
    assert receipts["accepted_rows"].sum() == len(reckoned.rows)
    totals = store.frame("delivery_total")
    months: dict[date, int] = {}
    for name, number, first, last in reckoned.rows:
        row = next(one for one in history if one.name == name).rows[number - 1]
        counts_on = row.first if contract.activity_date_column == "visit_date" else row.last
        month = (last if counts_on is None else min(max(day(counts_on), first), last)).replace(day=1)
        months[month] = months.get(month, 0) + 1
    accepted = totals.filter(status="accepted").select("activity_month", "record_count")
    found = dict(accepted.group_by("activity_month").sum().rows())
    assert {month: rows for month, rows in found.items() if rows} == months
