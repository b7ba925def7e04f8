"""Reading a home as an analyst would."""

import hashlib
from pathlib import Path

import polars as pl


def table(home: Path, name: str) -> pl.DataFrame:
    """A published table, all years."""
    return pl.read_parquet(sorted((home / "outputs").resolve().glob(f"restricted/{name}/**/*.parquet")), glob=False)


def digests(home: Path) -> dict[str, str]:
    """Digest of every published parquet file, by its path in the release."""
    release = (home / "outputs").resolve()
    return {
        str(path.relative_to(release)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(release.rglob("*.parquet"))
    }
