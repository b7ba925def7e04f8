"""Which columns of a feed let no identifier pass, so that the gate need look only at the rows they reject.

Belongs here: identifiers in every written form, held against a contract's rules.
Does not belong here: finding identifiers (`identifiers.py`).
"""

import polars as pl

from schemas.row_checks import RAW, Form

# Test numbers and reserved names only. Several of each kind, since a pattern may let one form pass and not another.
_SPECIMENS = (
    *("9990000018", "4000000004", "6000000006", "7000000007", "3000000003"),
    *("999 000 0018", "999-000-0018", "9990000018.0", "9.990000018E+09", "9.99E+09"),
    *("AA1 1AA", "AA1A 1AA", "A1 1AA", "AA111AA", "AA1A1AA", "aa11 1aa"),
    *("1950-02-03", "03/02/1950", "03-02-1950", "03.02.1950", "03021950", "19500203", "1950-02-03 00:00:00"),
    *("3 Feb 1950", "03/02/50", "a@example.org", "first.last@example.nhs.uk"),
    *(
        "07700900123",
        "07700 900123",
        "+447700900123",
        "+44 7700 900123",
        "00447700900123",
        "01632 960001",
        "(01632) 960001",
    ),
    *("100012345678", "200012345678", "10012345678", "10090012345"),
)
_known: dict[tuple[str, str, frozenset[str]], frozenset[str]] = {}


def guarded_columns(form: Form, released: frozenset[str]) -> frozenset[str]:
    """The columns, by name, in which each specimen breaks a rule that rejects the row."""
    key = (form.contract.read_by, form.dialect.name, released)
    if key not in _known:
        _known[key] = _guarded(form, released)
    return _known[key]


def _guarded(form: Form, released: frozenset[str]) -> frozenset[str]:
    rejecting: dict[str, list[pl.Expr]] = {}
    for rule in form.contract.rules:
        if rule.column and rule.severity != "warn" and rule.code not in released:
            rejecting.setdefault(rule.column, []).append(form.broken[rule.code])
    specimens = pl.DataFrame({RAW + column.name: _SPECIMENS for column in form.contract.columns})
    caught = specimens.with_columns(form.typed_columns()).select(
        pl.any_horizontal(rules).all().alias(name) for name, rules in rejecting.items()
    )
    days = {
        column.name for column in form.contract.columns if column.physical_type == "DATE"
    }  # full dates are expected
    return frozenset(name for name, is_guarded in caught.row(0, named=True).items() if is_guarded or name in days)
