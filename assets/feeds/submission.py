"""Which deliveries are current, and for which providers and days: the same answer in whatever order they arrived.

Belongs here: rules over all receipts of one feed. No row is read.
Does not belong here: judging a delivery on its own (`intake.py`); single records (`superseded.py`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from assets.feeds.companions import ACTIVE_SUBMISSIONS, DELETES
from assets.feeds.receipt import UNKNOWN, Receipt
from schemas.contract_model import Contract, Limit

Verdict = Literal["accepted", "superseded", "repeat", "refused"]
Span = tuple[date, date]
Spans = tuple[Span, ...]

_ALWAYS: Span = (date.min, date.max)
_NEVER = datetime.min.replace(tzinfo=UTC)  # stands for the time of an announcement that cannot be read


@dataclass(frozen=True)
class Remains:
    """What is left of a delivery that others supersede in part: the days, none or more, of these providers."""

    providers: tuple[str, ...]
    days: Spans


@dataclass(frozen=True)
class Judged:
    """A receipt with what the other deliveries of its feed make of it.

    Attributes:
        remains: what still stands of an accepted delivery; empty where all of it does.
    """

    receipt: Receipt
    verdict: Verdict
    reason: str | None = None
    remains: tuple[Remains, ...] = ()


@dataclass(frozen=True)
class Standing:
    """A current delivery with what decides which of its rows are current.

    Attributes:
        remains: as in `Judged`.
        deletes: later deliveries of the supplier that delete records.
        active: the one whose list says which of its submissions are active.
    """

    receipt: Receipt
    remains: tuple[Remains, ...] = ()
    deletes: tuple[Receipt, ...] = ()
    active: Receipt | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """All that its current rows depend on."""
        others = [(other.delivery_id, other.intake_key) for other in (*self.deletes, self.active) if other]
        return self.receipt.delivery_id, self.receipt.rows_key, repr(self.remains), others


def judge(receipts: Iterable[Receipt], contract: Contract) -> list[Judged]:
    """Verdict on every delivery of a feed, in the order in which they were received.

    One with the same files, period and providers as an earlier one is a repeat. One that breaks a rule over its limit
    is refused. Of the others, each supersedes what earlier ones hold for its providers on the days of its period; of a
    snapshot feed, what those of an earlier period hold. One that would leave two pieces of records that run over time
    is refused, since such a record can be cut at its ends only.
    """
    ordered = sorted(receipts, key=_received)
    judged: dict[str, Judged] = {receipt.delivery_id: Judged(receipt, "accepted") for receipt in ordered}
    contenders: list[Receipt] = []
    seen: set[tuple[object, ...]] = set()
    for receipt in ordered:
        if receipt.reason:
            judged[receipt.delivery_id] = Judged(receipt, "refused", receipt.reason)
        elif _content(receipt) in seen:
            judged[receipt.delivery_id] = Judged(receipt, "repeat", "the same files were received before")
        else:
            seen.add(_content(receipt))
            if reason := _over_limit(receipt, contract):
                judged[receipt.delivery_id] = Judged(receipt, "refused", reason)
            else:
                contenders.append(receipt)
    by_supplier = defaultdict(list)
    for receipt in sorted(contenders, key=lambda one: _precedence(one, contract)):
        if receipt.has_records:
            by_supplier[receipt.supplier].append(receipt)
    for found in by_supplier.values():
        judged.update(_supersede(found, contract))
    return list(judged.values())


def _received(receipt: Receipt) -> tuple[datetime, str]:
    return receipt.received_at or _NEVER, receipt.delivery_id


def _precedence(receipt: Receipt, contract: Contract) -> tuple[date, datetime, str]:
    """Later ones supersede; of a snapshot feed, those of a later period."""
    by_period = contract.submission_rule == "snapshot"
    return (_period(receipt)[1] if by_period else date.min, *_received(receipt))


def _content(receipt: Receipt) -> tuple[object, ...]:
    return (
        *(receipt.supplier, receipt.content, receipt.period_start, receipt.period_end, receipt.providers),
        receipt.announced,
    )


def _over_limit(receipt: Receipt, contract: Contract) -> str | None:
    """Why a delivery breaks rules too often. Limits are applied to stored counts, so that they may change."""
    over = [
        (rule, receipt.broken[rule.code])
        for rule in contract.rules
        if rule.severity == "refuse"
        and rule.code not in receipt.released
        and rule.limit.exceeded(receipt.broken.get(rule.code, 0), receipt.received_rows)
    ]
    if not over:
        return None
    rule, broken = over[0]
    others = f" So do {len(over) - 1} other rules." if over[1:] else ""
    return (
        f"{rule.code}: {broken} of {receipt.received_rows} rows break it, at most {_allowed(rule.limit)} may.{others}"
        " Correct them and send the delivery again."
    )


def _allowed(limit: Limit) -> str:
    rate = None if limit.rate is None else f"{limit.rate * 100:g}%"
    return " and ".join(str(bound) for bound in (limit.count, rate) if bound is not None)


def _supersede(receipts: list[Receipt], contract: Contract) -> dict[str, Judged]:
    """Verdicts on one supplier's deliveries of records, given in order of precedence."""
    judged: dict[str, Judged] = {}
    left: dict[str, dict[str, Spans]] = {}  # what each current delivery still holds: days by provider
    current: dict[str, Receipt] = {}
    for receipt in receipts:
        days = _ALWAYS if contract.submission_rule == "snapshot" else _period(receipt)
        cut = {
            name: _less(left[name], days, receipt.providers) for name in current if _meet(_period(current[name]), days)
        }
        if contract.interval_columns and (clash := _in_two_pieces(cut)):
            reason = f"overlaps the period of {clash} without covering it. Send whole periods again."
            judged[receipt.delivery_id] = Judged(receipt, "refused", reason)
            continue
        for name, remaining in cut.items():
            left[name] = remaining
            if not any(remaining.values()):
                old = current.pop(name)
                judged[name] = Judged(old, "superseded", _replaced(old, receipt))
        current[receipt.delivery_id] = receipt
        left[receipt.delivery_id] = dict.fromkeys(_holds(receipt), (_period(receipt),))
    for name, receipt in current.items():
        judged[name] = Judged(receipt, "accepted", remains=_remains(left[name], _period(receipt)))
    return judged


def _period(receipt: Receipt) -> Span:
    assert receipt.period_start
    assert receipt.period_end
    return receipt.period_start, receipt.period_end


def _holds(receipt: Receipt) -> list[str]:
    """The providers that a delivery is for: those announced, else those found in it."""
    found = {provider for status, provider, *_ in receipt.totals if status in {"accepted", "withdrawn"}}
    return sorted(receipt.providers or found or {UNKNOWN})


def _meet(one: Span, other: Span) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _less(held: Mapping[str, Spans], days: Span, providers: tuple[str, ...]) -> dict[str, Spans]:
    """What is left of the days held once some of them are superseded, for these providers or all."""
    return {
        provider: tuple(piece for span in spans for piece in _outside(span, days))
        if not providers or provider in providers
        else spans
        for provider, spans in held.items()
    }


def _outside(span: Span, days: Span) -> Iterable[Span]:
    if not _meet(span, days):
        yield span
        return
    if span[0] < days[0]:
        yield span[0], days[0] - timedelta(days=1)
    if days[1] < span[1]:
        yield days[1] + timedelta(days=1), span[1]


def _in_two_pieces(cut: Mapping[str, Mapping[str, Spans]]) -> str | None:
    """The first delivery of which a provider would keep days on both sides."""
    return next((name for name, left in cut.items() if any(len(spans) > 1 for spans in left.values())), None)


def _remains(left: Mapping[str, Spans], whole: Span) -> tuple[Remains, ...]:
    """Providers that keep the same days, together; empty where all keep the whole."""
    if all(spans == (whole,) for spans in left.values()):
        return ()
    by_days = defaultdict(list)
    for provider, spans in left.items():
        by_days[spans].append(provider)
    return tuple(Remains(tuple(providers), spans) for spans, providers in sorted(by_days.items()))


def _replaced(old: Receipt, by: Receipt) -> str:
    rejected, again = old.rows("rejected"), by.rows("rejected")
    counts = f"; of its rows {rejected} had been rejected, of the new ones {again}" if rejected or again else ""
    return f"replaced by {by.delivery_id}{counts}"


def standing(judged: Iterable[Judged]) -> list[Standing]:
    """The current deliveries, in order of their period, with the companions that bear on them.

    A delivery deletes records of those received before it. A list of active submissions speaks of what was received
    with it or before; the latest one counts. What was superseded keeps its say; repeats and refused ones have none.
    """
    heard = [j.receipt for j in judged if j.verdict in {"accepted", "superseded"}]
    deleting = [receipt for receipt in heard if DELETES in receipt.roles]
    lists = {r.supplier: r for r in sorted(heard, key=_received) if ACTIVE_SUBMISSIONS in r.roles}
    found = []
    for j in judged:
        own = j.receipt
        if j.verdict == "accepted" and own.has_records:
            deletes = [r for r in deleting if r.supplier == own.supplier and _received(r) > _received(own)]
            listed = lists.get(own.supplier)
            active = listed if listed and _received(listed) >= _received(own) else None
            found.append(Standing(own, j.remains, tuple(deletes), active))
    return sorted(found, key=lambda one: (_period(one.receipt), one.receipt.delivery_id))
