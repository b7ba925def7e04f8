"""The floor: one DuckDB process reads every landed file as text and writes it as zstd parquet. Nothing can be faster.

`python -m benchmarks.floor LANDING TARGET` prints the seconds it took, start-up left out.
"""

import sys
import time
from pathlib import Path

import duckdb


def floor(landing: Path, target: Path) -> float:
    """Read and rewrite every file; the seconds it took."""
    target.mkdir(parents=True)
    started = time.perf_counter()
    with duckdb.connect() as connection:
        for feed in sorted(path for path in landing.iterdir() if path.is_dir()):
            csv = [str(path) for path in sorted(feed.glob("*/*.csv"))]
            parquet = [str(path) for path in sorted(feed.glob("*/*.parquet"))]
            reads = []
            if csv:
                reads.append(
                    f"select * from read_csv({csv}, all_varchar = true, header = true, delim = ',', quote = '\"')"
                )
            if parquet:
                reads.append(f"select cast(columns(*) as varchar) from read_parquet({parquet})")
            for place, read in enumerate(reads):
                to = target / f"{feed.name}-{place}.parquet"
                connection.execute(f"copy ({read}) to '{to}' (format parquet, compression zstd)")
    return time.perf_counter() - started


if __name__ == "__main__":
    print(floor(Path(sys.argv[1]), Path(sys.argv[2])))  # noqa: T201
