"""Sort the rows of one delivery into accepted and quarantine, batch by batch, in bounded memory.

Belongs here: rows, rules, duplicates, parts on disk, and the counts that go on the receipt.
Does not belong here: files and headers (`reading.py`, `headers.py`); the verdict on the delivery (`intake.py`).
"""

import re
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl

from assets.feeds.control import Read
from assets.feeds.delivery import Delivery
from assets.feeds.headers import Headers
from assets.feeds.receipt import UNKNOWN, accepted_files
from schemas.contract_model import Contract, Rule
from schemas.row_checks import RAW, Form

SOURCE_ROW = "source_row"
_RELEASABLE = {"enum", "pattern", "length", "minimum", "maximum", "row_predicate"}
_PENCE = 100
_NOT_NAMED = [pl.lit(None, pl.String).alias("rule_code"), pl.lit(None, pl.Int32).alias("broken_rule_count")]
_FOUND = [SOURCE_ROW, "rule_code", "broken_rule_count"]

Total = tuple[str, str, date, int, int]


class RowSorter:
    """Takes batch after batch and writes `accepted-*`, `quarantine-*` and `quarantined_row-*` parts into a folder.

    `released` holds the codes of rules that no longer reject rows of this delivery; of these, only those of a kind that
    may be released are kept.
    """

    def __init__(self, delivery: Delivery, contract: Contract, folder: Path, released: frozenset[str]) -> None:
        self._delivery, self._contract, self._folder = delivery, contract, folder
        kinds = {rule.code: rule.kind for rule in contract.rules if rule.kind != "duplicate_record"}
        self.released = {
            rule.code for rule in contract.rules if rule.code in released and is_releasable(rule, contract)
        }
        kept = {rule.code for rule in contract.rules if rule.severity == "warn"} | self.released
        self._warning = [code for code in kinds if code in kept]
        self._rejecting = [code for code in kinds if code not in kept]
        self._parts = 0
        self._digests: list[pl.Series] = []
        self._sums: list[pl.DataFrame] = []
        self.received_rows = 0
        self.received_pence = 0
        self.released_rows = 0
        self.unreadable_prices = 0
        self.broken: Counter[str] = Counter()

    def check(self, batch: pl.DataFrame, headers: Headers) -> pl.DataFrame:
        """Typed rows of one batch of text, with whether each is rejected; nothing is written."""
        form = headers.form
        return (
            batch.lazy()
            .select(headers.raw_columns())
            .with_row_index(SOURCE_ROW, offset=self.received_rows + 1)
            .with_columns(pl.col(SOURCE_ROW).cast(pl.Int64), *form.typed_columns(), *self._provenance())
            .with_columns(is_rejected=pl.any_horizontal(*(form.broken[code] for code in self._rejecting)))
            .collect()
        )

    def keep(self, rows: pl.DataFrame, headers: Headers) -> None:
        """Write checked rows, the accepted apart from the rejected."""
        form = headers.form
        self.received_rows += rows.height
        self.received_pence += rows.select(self._pence().sum()).item()  # before any row is judged
        self._count_warnings(rows, form)
        rows = self._mark_duplicates(self._name_rules(rows, form))
        accepted, rejected = _apart(rows)
        self._write(accepted, rejected, form)
        self._parts += 1

    def _provenance(self) -> list[pl.Expr]:
        delivery = self._delivery
        return [
            pl.lit(delivery.delivery_id).alias("delivery_id"),
            pl.lit(delivery.pseudonym_domain).alias("pseudonym_domain"),
            pl.lit(delivery.period_start).alias("period_start"),
            pl.lit(delivery.period_end).alias("period_end"),
        ]

    def _count_warnings(self, rows: pl.DataFrame, form: Form) -> None:
        if not self._warning:
            return
        counts = rows.lazy().select(form.broken[code].sum().alias(code) for code in self._warning).collect()
        self.broken.update({code: count for code, count in counts.row(0, named=True).items() if count})

    def _name_rules(self, rows: pl.DataFrame, form: Form) -> pl.DataFrame:
        """Say of each rejected row which rule it breaks first and how many it breaks."""
        if not rows["is_rejected"].any():
            return rows.with_columns(_NOT_NAMED)
        rejecting = [form.broken[code].alias(code) for code in self._rejecting]
        bits = rows.lazy().filter("is_rejected").select(SOURCE_ROW, *rejecting).collect()
        counts = bits.select(pl.col(self._rejecting).sum()).row(0, named=True)
        self.broken.update({code: count for code, count in counts.items() if count})
        named = bits.select(
            SOURCE_ROW,
            rule_code=pl.coalesce(pl.when(code).then(pl.lit(code)) for code in self._rejecting),
            broken_rule_count=pl.sum_horizontal(self._rejecting).cast(pl.Int32),
        )
        return rows.join(named, on=SOURCE_ROW, how="left", maintain_order="left")

    def _mark_duplicates(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Reject every row whose record key stands on an earlier row of the batch that is not rejected."""
        if not self._contract.record_key:
            return rows
        key = pl.struct(self._contract.record_key)
        kept = rows.filter(~pl.col("is_rejected")) if rows["is_rejected"].any() else rows
        digests = kept.select(key.hash()).to_series()
        if digests.n_unique() < kept.height:  # digests settle nearly every delivery at a fraction of the cost
            repeats = ~pl.col("is_rejected") & ~pl.struct("is_rejected", *self._contract.record_key).is_first_distinct()
            rows = self._as_duplicates(rows, repeats)
            digests = rows.filter(~pl.col("is_rejected")).select(key.hash()).to_series()
        self._digests.append(digests)
        return rows

    def _as_duplicates(self, rows: pl.DataFrame, repeats: pl.Expr) -> pl.DataFrame:
        code = f"{self._contract.feed}.duplicate_record"
        marked = rows.with_columns(is_repeat=repeats)
        if count := int(marked["is_repeat"].sum()):
            self.broken[code] += count
        return marked.with_columns(
            is_rejected=pl.col("is_rejected") | pl.col("is_repeat"),
            rule_code=pl.when("is_repeat").then(pl.lit(code)).otherwise("rule_code"),
            broken_rule_count=pl.when("is_repeat").then(pl.lit(1, pl.Int32)).otherwise("broken_rule_count"),
        ).drop("is_repeat")

    def _write(self, accepted: pl.DataFrame, rejected: pl.DataFrame, form: Form) -> None:
        schema = self._contract.accepted_schema
        kept = accepted.select(schema.names)
        kept.write_parquet(self._part("accepted"), compression_level=1, arrow_schema=schema)  # the quickest to write
        self._add_up("accepted", accepted)
        self.released_rows += self._released_among(accepted, form)
        if rejected.height:
            rejected.select(_FOUND).write_parquet(self._part("quarantine"))
            rejected.select(SOURCE_ROW, *form.raw_as_received()).write_parquet(self._part("quarantined_row"))
            self._add_up("rejected", rejected)
            price = self._contract.price_column
            if price in form.carried:
                unreadable = pl.col(price).is_null() & pl.col(RAW + price).is_not_null()
                self.unreadable_prices += rejected.select(unreadable.sum()).item()

    def _released_among(self, accepted: pl.DataFrame, form: Form) -> int:
        if not self.released:
            return 0
        return accepted.select(pl.any_horizontal(*(form.broken[code] for code in sorted(self.released))).sum()).item()

    def _part(self, kind: str) -> Path:
        return self._folder / f"{kind}-{self._parts:05d}.parquet"

    def _add_up(self, status: str, rows: pl.DataFrame, sign: int = 1) -> None:
        contract = self._contract
        provider = pl.col(contract.provider_column) if contract.provider_column else pl.lit(UNKNOWN)
        self._sums.append(
            rows.group_by(provider=provider.fill_null(UNKNOWN), month=activity_month(contract))
            .agg(rows=pl.len().cast(pl.Int64) * sign, pence=self._pence().sum() * sign)
            .select(pl.lit(status).alias("status"), "provider", "month", "rows", "pence")
        )

    def _pence(self) -> pl.Expr:
        price = self._contract.price_column
        return (pl.col(price) * _PENCE).cast(pl.Int64) if price else pl.lit(0, pl.Int64)

    def repeated_rows(self) -> pl.Series:
        """Row numbers of accepted rows whose record key stands on an accepted row of an earlier batch."""
        digests = pl.concat(self._digests) if self._digests else pl.Series(dtype=pl.UInt64)
        if self._parts < 2 or digests.n_unique() == digests.len():  # noqa: PLR2004  one batch has none left
            return pl.Series(dtype=pl.Int64)
        shared = digests.filter(digests.is_duplicated()).unique().to_list()
        key = pl.struct(self._contract.record_key)
        candidates = pl.scan_parquet(accepted_files(self._folder), glob=False).filter(key.hash().is_in(shared))
        return (
            candidates.select(SOURCE_ROW, *self._contract.record_key)
            .sort(SOURCE_ROW)
            .filter(~key.is_first_distinct())
            .select(SOURCE_ROW)
            .collect()
            .to_series()
        )

    def move_to_quarantine(self, repeated: pl.Series, batch: pl.DataFrame, first_row: int, headers: Headers) -> None:
        """Move the repeated rows of one batch, given again as text, from the accepted to the quarantined."""
        numbers = repeated.filter(repeated.is_between(first_row, first_row + batch.height - 1)).to_list()
        if not numbers:
            return
        path = next(p for p in accepted_files(self._folder) if numbers[0] in _rows_of(p))
        accepted = pl.read_parquet(path, glob=False)
        moved = accepted[SOURCE_ROW].is_in(numbers)
        rejected, schema = accepted.filter(moved), self._contract.accepted_schema
        accepted.filter(~moved).select(schema.names).write_parquet(path, arrow_schema=schema)
        text = batch.select(headers.raw_columns()).with_row_index(SOURCE_ROW, offset=first_row)
        text = text.with_columns(pl.col(SOURCE_ROW).cast(pl.Int64)).filter(pl.col(SOURCE_ROW).is_in(numbers))
        found = self._as_duplicates(
            rejected.with_columns(is_rejected=False, rule_code=pl.lit(""), broken_rule_count=pl.lit(0, pl.Int32)),
            pl.lit(True),
        )
        found.select(_FOUND).write_parquet(self._part("quarantine"))
        text.select(SOURCE_ROW, *headers.form.raw_as_received()).write_parquet(self._part("quarantined_row"))
        self._add_up("accepted", rejected, -1)
        self._add_up("rejected", rejected)
        self._parts += 1

    def read_totals(self) -> list[Read]:
        """Rows and pence of all rows by provider and month, accepted or not, each under the provider that it names."""
        if not self._sums:
            return []
        sums = pl.concat(self._sums).group_by("provider", "month").agg(pl.col("rows", "pence").sum())
        return sums.select("provider", "month", "rows", "pence").rows()

    def totals(self) -> tuple[Total, ...]:
        """Rows and pence by status, provider and month.

        A rejected row's provider counts only if accepted rows know it, too.
        """
        if not self._sums:
            return ()
        sums = pl.concat(self._sums)
        known = sums.filter(pl.col("status") == "accepted")["provider"].unique().to_list()
        provider = pl.when((pl.col("status") == "accepted") | pl.col("provider").is_in(known)).then("provider")
        return tuple(
            sums.with_columns(provider=provider.fill_null(pl.lit(UNKNOWN)))
            .group_by("status", "provider", "month")
            .agg(pl.col("rows", "pence").sum())
            .filter(pl.col("rows") != 0)
            .sort("status", "provider", "month")
            .select("status", "provider", "month", "rows", "pence")
            .rows()
        )


def is_releasable(rule: Rule, contract: Contract) -> bool:
    """Whether rows that break a rule can be used: they have a value of its type, and a provider and month to count."""
    counted_by = {contract.activity_date_column, contract.provider_column, *(contract.interval_columns or ())}
    words = set(re.findall(r"\w+", rule.argument)) if rule.kind == "row_predicate" else {rule.column}
    return rule.kind in _RELEASABLE and not words & counted_by


def _rows_of(part: Path) -> range:
    """The row numbers between the first and the last of a part."""
    bounds = pl.scan_parquet(part, glob=False).select(
        first=pl.col(SOURCE_ROW).min().fill_null(0), last=pl.col(SOURCE_ROW).max().fill_null(-1)
    )
    first, last = bounds.collect().row(0)
    return range(first, last + 1)


def _apart(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Accepted and rejected rows; nothing is copied where all are accepted."""
    if not rows["is_rejected"].any():
        return rows, rows.clear()
    return rows.filter(~pl.col("is_rejected")), rows.filter("is_rejected")


def activity_month(contract: Contract) -> pl.Expr:
    """First day of the month to which a record counts: never outside the period of its delivery."""
    return activity_day(contract).dt.truncate("1mo")


def activity_day(contract: Contract) -> pl.Expr:
    """The day to which a record counts: never outside the period of its delivery."""
    day = pl.col(contract.activity_date_column) if contract.activity_date_column else pl.col("period_end")
    return day.fill_null(pl.col("period_end")).clip(pl.col("period_start"), pl.col("period_end"))
