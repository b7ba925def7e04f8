"""Reading a home as an analyst would."""

import hashlib
from pathlib import Path

import polars as pl

from schemas.catalogue import TABLES


def table(home: Path, name: str) -> pl.DataFrame:
    """A published table, all years."""
    return pl.read_parquet(sorted((home / "outputs").resolve().glob(f"restricted/{name}/**/*.parquet")), glob=False)


def digests_of_inputs(home: Path) -> dict[str, str]:
    """The same, of the tables that follow from what was delivered alone, however the nights were cut."""
    of_runs = {table.name for table in TABLES.values() if table.speaks_of_runs}
    return {path: digest for path, digest in digests(home).items() if Path(path).parts[1] not in of_runs}


def digests(home: Path) -> dict[str, str]:
    """Digest of every published file, figures too, by its path in the release."""
    release = (home / "outputs").resolve()
    return {
        str(path.relative_to(release)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(release.glob("restricted/**/*"))
        if path.is_file()
    }
