"""How the person index changed from one run to the next.

Belongs here: comparing two indexes; keeping the one that was compared last.
Does not belong here: the index itself (`identity.py`).

The index that was compared last lies beside the history, a copy of the file that `person_identifier` had then, and
both become current in one step: a run killed before that finds the old ones and compares again, one killed after it
finds nothing left to compare.
"""

import shutil
from pathlib import Path

import polars as pl

from pipelines.build import build_file
from pipelines.errors import ConservationError
from pipelines.store import POINTER, Store, Stored, fingerprint, frame_writer
from schemas.identifiers import PERSON_IDENTIFIER
from schemas.overlap import IDENTIFIER_HISTORY

NOTHING = "none"
_COMPARED = "compared.parquet"
_IDENTIFIER = ("pseudonym_domain", "pseudonym")
_DIGITS = 12


def build_identifier_history(store: Store) -> Stored:
    """Append what changed in the person index since the last run that saw it.

    Raises:
        ConservationError: if what was kept of the history is damaged.
    """
    index = store.require(PERSON_IDENTIFIER.name)
    (current,) = store.paths(index)
    history, compared = _kept(store, current)

    def write(target: Path) -> int:
        before = pl.read_parquet(compared, glob=False) if compared else PERSON_IDENTIFIER.empty_frame()
        changes = changes_between(before, pl.read_parquet(current, glob=False)).with_columns(
            pl.lit(1 + history.select(pl.col("change_number").max()).fill_null(0).item()).alias("change_number"),
            pl.lit(_content(store, compared) if compared else NOTHING).alias("digest_before"),
            pl.lit(index.content[:_DIGITS]).alias("digest_after"),
        )
        shutil.copyfile(current, target.with_name(_COMPARED))
        return frame_writer(IDENTIFIER_HISTORY, pl.concat([history, changes], how="diagonal_relaxed"))(target)

    return build_file(store, IDENTIFIER_HISTORY, None, write)


def changes_between(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Counts of identifiers and people by domain, kind of change and how they linked before and after."""
    joined = before.join(after, on=_IDENTIFIER, how="full", coalesce=True, suffix="_after", validate="1:1")
    was, now = pl.col("person_id"), pl.col("person_id_after")
    links = [
        name for name in after.columns if name in before.columns and name not in (*_IDENTIFIER, "person_id", "how")
    ]
    kind = (
        pl.when(was.is_null())
        .then(pl.lit("added"))
        .when(now.is_null())
        .then(pl.lit("removed"))
        .when(was != now)
        .then(pl.lit("moved"))
        .when(pl.col("how") != pl.col("how_after"))
        .then(pl.lit("rerouted"))
        .when(pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_after")) for name in links))
        .then(pl.lit("redated"))
    )
    return (
        joined.with_columns(kind.alias("kind"))
        .drop_nulls("kind")
        .group_by(
            "pseudonym_domain",
            "kind",
            pl.col("how").fill_null(NOTHING).alias("how_before"),
            pl.col("how_after").fill_null(NOTHING),
        )
        .agg(
            pl.len().cast(pl.Int64).alias("identifier_count"),
            was.drop_nulls().n_unique().cast(pl.Int64).alias("person_count_before"),
            now.drop_nulls().n_unique().cast(pl.Int64).alias("person_count_after"),
        )
    )


def _kept(store: Store, current: Path) -> tuple[pl.DataFrame, Path | None]:
    """The history so far, and the index that it ends with; no rows and none before the first run.

    Raises:
        ConservationError: if there is a history that cannot be read. Begun anew in silence, it would lose its changes.
    """
    name = IDENTIFIER_HISTORY.name
    stored = store.current(name)
    if not stored:
        if (store.folder(name) / POINTER).exists():
            raise _damaged(f"{name}: cannot be read")
        return IDENTIFIER_HISTORY.empty_frame(), None
    (file,) = store.paths(stored)
    changed = {kept.path: kept for kept in store.kept(stored) if not store.bytes.is_whole(kept)}
    if file not in changed:
        history = pl.read_parquet(file, glob=False)
        if not changed:
            return history, file.with_name(_COMPARED)
        if _content(store, current) == history["digest_after"].last():  # the index is the one that was compared last
            return history, current
    raise _damaged(next(iter(changed.values())).changed())


def _damaged(what: str) -> ConservationError:
    folder = f"store/{IDENTIFIER_HISTORY.name}"
    return ConservationError(what, f"put {folder} back from a backup, or remove it to begin with change 1")


def _content(store: Store, file: Path) -> str:
    """The digest that `Stored.content` gives of a table of this one file."""
    return fingerprint((store.bytes.digest(file),), None)[:_DIGITS]
