"""One nightly run over a home, as a process: `python -m benchmarks.nightly HOME` prints its times as JSON."""

import json
import os
import sys

import dagster as dg

from pipelines.resources import HomeResource
from pipelines.run import run_nightly


def main() -> None:
    """Run, and print the seconds of wall time and of computing."""
    with dg.DagsterInstance.local_temp() as instance:
        run = run_nightly(instance, HomeResource(root=sys.argv[1]))
    print(json.dumps({"wall": run.wall_seconds, "computing": sum(run.step_seconds.values())}), flush=True)  # noqa: T201
    os._exit(0)


if __name__ == "__main__":
    main()
