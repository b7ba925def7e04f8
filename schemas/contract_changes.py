"""What changed between two contracts, and what of it breaks.

Belongs here: comparing two interfaces of a feed, or the words of two contracts.
Does not belong here: what an interface is (`contract_interface.py`); what may be released (`released.py`).

A change is breaking if a delivery that was taken in before could be refused or rejected after it, or if a column that
was read before reads otherwise.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from schemas.contract_interface import Interface
from schemas.contract_model import Contract, Severity

# Whether there is such a rule, and its argument, is told of the column or the feed itself.
_TOLD_ELSEWHERE = {"duplicate_record", "missing_value"}
_UPPER_LIMITS = {"length", "maximum"}


@dataclass(frozen=True)
class Change:
    """One difference between two interfaces.

    Attributes:
        where: the feed, column, dialect or rule that changed.
        what: in words.
    """

    is_breaking: bool
    where: str
    what: str


def changes(old: Interface, new: Interface) -> list[Change]:
    """What changed from one interface of a feed to another, the breaking changes first."""
    found = [*_of_feed(old, new), *_of_dialects(old, new), *_of_columns(old, new), *_of_rules(old, new)]
    return sorted(found, key=lambda change: (not change.is_breaking, change.where, change.what))


def described_changes(old: Contract, new: Contract) -> list[Change]:
    """What changed in words and labels alone; always compatible."""
    found = [
        (where, "is described otherwise")
        for where, before, after in [
            ("the feed", (old.description, old.grain), (new.description, new.grain)),
            *_pairs(
                {c.name: (c.description, c.labels) for c in old.columns},
                {c.name: (c.description, c.labels) for c in new.columns},
            ),
            *_pairs({r.code: r.message for r in old.row_predicates}, {r.code: r.message for r in new.row_predicates}),
            *_pairs({d.name: d.label for d in old.dialects.values()}, {d.name: d.label for d in new.dialects.values()}),
        ]
        if before != after
    ]
    return [Change(False, where, what) for where, what in found]


def _pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What stands in both, in the order of the new."""
    for name in new:
        if name in old:
            yield name, old[name], new[name]


def _of_feed(old: Interface, new: Interface) -> Iterator[Change]:
    for name, words in (("submission_rule", "submission rule"), ("record_key", "record key")):
        if old[name] != new[name]:
            yield Change(True, "the feed", f"{words} was {_said(old[name])}, is {_said(new[name])}")
    yield from _of_missing("the feed", "missing text", old["missing_texts"], new["missing_texts"])
    for role, before, after in _pairs(old["roles"], new["roles"]):
        if before != after:
            yield Change(False, "the feed", f"{role.replace('_', ' ')} was {_said(before)}, is {_said(after)}")


def _of_missing(where: str, words: str, old: list[str], new: list[str], is_required: bool = False) -> Iterator[Change]:
    """Texts that stand for a missing value; where every row needs one, a further text rejects rows."""
    for text in sorted({*old} ^ {*new}):
        is_gone = text in old
        yield Change(is_gone or is_required, where, f"{words} {text!r} was {'removed' if is_gone else 'added'}")


def _of_dialects(old: Interface, new: Interface) -> Iterator[Change]:
    for name in sorted(old["dialects"].keys() ^ new["dialects"].keys()):
        is_gone = name in old["dialects"]
        yield Change(is_gone, f"dialect {name}", "was removed" if is_gone else "was added")
    for name, was, now in _pairs(old["dialects"], new["dialects"]):
        before, after = was["date_formats"], now["date_formats"]
        if before != after:
            # A format that is tried later than all known ones changes no day that was read before.
            is_longer = after[: len(before)] == before
            yield Change(not is_longer, f"dialect {name}", f"dates were {_said(before)}, are {_said(after)}")


def _of_columns(old: Interface, new: Interface) -> Iterator[Change]:
    known = {*old["dialects"]} & {*new["dialects"]}
    required = {rule["column"] for rule in new["rules"].values() if rule["kind"] == "required"}
    gone = [name for name in old["columns"] if name not in new["columns"]]
    added = [name for name in new["columns"] if name not in old["columns"]]
    for name in gone:
        headers = old["columns"][name]["headers"]
        renamed = [other for other in added if _folded(new["columns"][other]["headers"]) & _folded(headers)]
        yield Change(True, name, f"was renamed to {renamed[0]}" if renamed else "was removed")
    for name in added:
        column = new["columns"][name]
        needed_in = sorted(known & column["headers"].keys()) if not column["may_be_absent"] else []
        needed = f", and files of {_said(needed_in)} are refused without it" if needed_in else ""
        yield Change(bool(needed), name, f"was added{needed}")
    for name, before, after in _pairs(old["columns"], new["columns"]):
        yield from _of_headers(name, before, after, known)
        yield from _of_column(name, before, after, name in required)


def _folded(headers: Mapping[str, str]) -> set[str]:
    return {header.strip().lower() for header in headers.values()}


def _of_headers(where: str, old: Mapping[str, Any], new: Mapping[str, Any], dialects: set[str]) -> Iterator[Change]:
    for dialect in sorted(dialects):
        before, after = old["headers"].get(dialect), new["headers"].get(dialect)
        if before and after and before.strip().lower() != after.strip().lower():
            yield Change(True, where, f"header in {dialect} was {before}, is {after}")
        elif before and not after:
            yield Change(True, where, f"header {before} in {dialect} was removed")
        elif after and not before:
            is_needed = not new["may_be_absent"]
            yield Change(is_needed, where, f"{'must' if is_needed else 'may'} now stand in {dialect} as {after}")
    if old["may_be_absent"] != new["may_be_absent"]:
        is_needed = old["may_be_absent"]
        yield Change(is_needed, where, f"a file may {'no longer' if is_needed else 'now'} lack it")


def _of_column(where: str, old: Mapping[str, Any], new: Mapping[str, Any], is_required: bool) -> Iterator[Change]:
    if old["type"] != new["type"]:
        yield Change(not _is_wider(old["type"], new["type"]), where, f"type was {old['type']}, is {new['type']}")
    if old["unit"] != new["unit"]:
        yield Change(True, where, f"unit was {_said(old['unit'])}, is {_said(new['unit'])}")
    if old["classification"] != new["classification"]:
        what = f"classification was {_said(old['classification'])}, is {_said(new['classification'])}"
        yield Change(False, where, what)
    if old["caseless"] != new["caseless"]:
        what = (
            "codes are now compared with regard to case" if old["caseless"] else "codes are now compared without case"
        )
        yield Change(old["caseless"], where, what)
    yield from _of_missing(where, "missing value", old["missing_values"], new["missing_values"], is_required)
    for code in sorted({*old["local_codes"]} ^ {*new["local_codes"]}):
        is_gone = code in old["local_codes"]
        yield Change(is_gone, where, f"local code was {'removed' if is_gone else 'added'}: {code}")


def _is_wider(old: str, new: str) -> bool:
    """Whether a decimal type holds all that another does."""
    if not (old.startswith("DECIMAL") and new.startswith("DECIMAL")):
        return False
    (was, places), (now, now_places) = _digits(old), _digits(new)
    return now_places >= places and now - now_places >= was - places


def _digits(decimal: str) -> tuple[int, int]:
    precision, scale = decimal.removeprefix("DECIMAL(").removesuffix(")").split(",")
    return int(precision), int(scale)


def _of_rules(old: Interface, new: Interface) -> Iterator[Change]:
    before, after = _told(old, new), _told(new, old)
    for code in sorted(before.keys() | after.keys()):
        if code not in after:
            yield Change(False, code, "was removed")
        elif code not in before:
            severity = after[code]["severity"]
            yield Change(severity != "warn", code, f"is a new rule: {severity}{_stated(after[code])}")
        else:
            yield from _of_rule(code, before[code], after[code], new["columns"].get(after[code]["column"]))


def _told(one: Interface, other: Interface) -> dict[str, Any]:
    """Its rules, without those of a column that the other lacks, or types otherwise, which is told of the column."""
    kept = {}
    for code, rule in one["rules"].items():
        column, twin = one["columns"].get(rule["column"]), other["columns"].get(rule["column"])
        is_of_column = column and (twin is None or (rule["kind"] == "type" and column["type"] != twin["type"]))
        is_told = rule["kind"] in _TOLD_ELSEWHERE and rule["severity"] in {"warn", _usual(rule)}
        if not is_of_column and not (is_told and code not in other["rules"]):
            kept[code] = rule
    return kept


def _usual(rule: Mapping[str, Any]) -> str:
    return "reject" if rule["kind"] == "duplicate_record" else "warn"


def _stated(rule: Mapping[str, Any]) -> str:
    return "" if rule["argument"] is None else f", {_said(rule['argument'])}"


def _of_rule(
    code: str, old: Mapping[str, Any], new: Mapping[str, Any], column: Mapping[str, Any] | None
) -> Iterator[Change]:
    order = get_args(Severity)
    if old["severity"] != new["severity"]:
        is_raised = order.index(new["severity"]) > order.index(old["severity"])
        yield Change(is_raised, code, f"severity was {old['severity']}, is {new['severity']}")
    refuses = new["severity"] == old["severity"] == "refuse"  # a limit decides nothing but refusals
    for limit in ("count", "rate"):
        before, after = old[limit], new[limit]
        if before != after:
            is_tighter = after is not None and (before is None or after < before)
            yield Change(
                refuses and is_tighter, code, f"rows that may break it: {limit} was {_said(before)}, is {_said(after)}"
            )
    before, after = old["argument"], new["argument"]
    if before != after and new["kind"] not in _TOLD_ELSEWHERE:
        yield from _of_argument(code, new, before, after, column)


def _of_argument(
    code: str, rule: Mapping[str, Any], before: Any, after: Any, column: Mapping[str, Any] | None
) -> Iterator[Change]:
    rejects = rule["severity"] != "warn"
    if rule["kind"] == "enum":
        for value in sorted({*before} ^ {*after}):
            is_gone = value in before
            breaks = is_gone and rejects and not _is_understood(value, after, column)
            yield Change(breaks, code, f"code {value} was {'removed' if is_gone else 'added'}")
        return
    match rule["kind"]:
        case kind if kind in _UPPER_LIMITS:
            is_tighter = after < before
        case "minimum":
            is_tighter = after > before
        case _:  # nobody can tell in general whether a pattern or a predicate lets more through than another
            is_tighter = True
    yield Change(is_tighter and rejects, code, f"was {_said(before)}, is {_said(after)}")


def _is_understood(code: str, listed: list[str], column: Mapping[str, Any] | None) -> bool:
    """Whether a code that left the list still means one of it: in other letters, or as a local code everywhere."""
    if column is None:
        return False
    is_listed = column["caseless"] and code.strip().lower() in {one.strip().lower() for one in listed}
    return is_listed or any(
        one.startswith(f"{code} means ") and one.endswith(" in every dialect, ..") for one in column["local_codes"]
    )


def _said(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
