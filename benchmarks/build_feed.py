"""The feed step of one feed over a home, as a process: `python -m benchmarks.build_feed HOME FEED`.

It prints the seconds and the accepted rows as JSON; the seconds leave out imports and opening the home.
"""

import json
import sys
import time
from pathlib import Path

from assets.feeds.current import build_feed
from assets.linkage.identity import DEMONSTRATION_KEY
from pipelines.home import open_home
from schemas.contract import contracts


def main(root: Path, feed: str) -> None:
    """Build the feed's current table from what has landed, and print."""
    with open_home(root, DEMONSTRATION_KEY) as home:
        started = time.perf_counter()
        stored = build_feed(home.store, home.landing, contracts()[feed])
        seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "rows": stored.rows}))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
