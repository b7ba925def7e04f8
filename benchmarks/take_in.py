"""One delivery taken in, as a process: `python -m benchmarks.take_in DELIVERY SMALL SHELF` prints its outcome as JSON.

The small delivery is taken in first, as warm-up.

The seconds leave out imports and reading the contract and the announcement.
"""

import json
import sys
import time
from pathlib import Path

import polars as pl

from assets.feeds.delivery import read_delivery
from assets.feeds.intake import take_in
from assets.feeds.receipt import quarantine_files
from schemas.contract import contracts


def main(folder: Path, small: Path, shelf: Path) -> None:
    """Take it in, and print the seconds, the rows accepted and the rows by the first rule that each breaks."""
    delivery = read_delivery(folder)
    contract = contracts()[delivery.feed]
    take_in(read_delivery(small), contract, shelf)
    started = time.perf_counter()
    receipt = take_in(delivery, contract, shelf)
    seconds = time.perf_counter() - started
    if receipt.reason:
        raise SystemExit(receipt.reason)
    quarantine = quarantine_files(shelf / delivery.delivery_id)
    broken = pl.read_parquet(quarantine).group_by("rule_code").len().rows() if quarantine else []
    print(json.dumps({"seconds": seconds, "accepted": receipt.rows("accepted"), "broken": dict(broken)}))  # noqa: T201


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
