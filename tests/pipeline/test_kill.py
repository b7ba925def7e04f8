"""Promise 4: a reader never sees half a run, also when the run is killed."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from synthetic import synthesise
from tests.releases import digests

# Runs the nightly job and kills its own process, without warning, at the n-th change that it makes to the file system.
KILLED = """
import os, pathlib, signal, sys
home, moment = sys.argv[1], int(sys.argv[2])
changes = 0
def counted(change):
    def wrapper(*args, **kwargs):
        global changes
        changes += 1
        if changes == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        return change(*args, **kwargs)
    return wrapper
for name in ("rename", "replace", "unlink", "symlink_to", "mkdir"):
    setattr(pathlib.Path, name, counted(getattr(pathlib.Path, name)))
os.link = counted(os.link)
import dagster as dg
from assets.linkage.identity import DEMONSTRATION_KEY
from pipelines.resources import HomeResource
from pipelines.run import run_nightly
with dg.DagsterInstance.ephemeral() as instance:
    run_nightly(instance, HomeResource(root=home, person_key=DEMONSTRATION_KEY))
print(changes)
os._exit(0)
"""

MOMENTS, NEVER = 10, -1


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory, nightly) -> Path:
    """A published home with a corrected month of every monthly feed waiting, so that every step has work to do."""
    home = tmp_path_factory.mktemp("waiting") / "home"
    synthesise(people=250, years=["2024-25"], seed=5, faults="none", to=home / "landing")
    nightly(home)
    for folder in sorted((home / "landing").glob("*/*-2024-07")):
        corrected = shutil.copytree(folder, folder.with_name(f"{folder.name}-r2"))
        announced = json.loads((corrected / "delivery.json").read_text())
        announced |= {"delivery_id": corrected.name, "received_at": "2025-06-01T06:00:00Z"}
        first = announced["files"][0]
        source = corrected / first["name"]
        if first["format"] == "csv" and first["rows"]:  # the correction takes the last row back
            source.write_text("".join(source.read_text().splitlines(keepends=True)[:-1]))
            first |= {"rows": first["rows"] - 1, "sha256": hashlib.sha256(source.read_bytes()).hexdigest()}
        (corrected / "delivery.json").write_text(json.dumps(announced))
    return home


def run_until(home: Path, moment: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(home), str(moment)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def finished(waiting: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], int]:
    """What a run over the waiting home publishes when nobody kills it, and how many changes it makes."""
    home = shutil.copytree(waiting, tmp_path_factory.mktemp("finished") / "home", symlinks=True)
    run = run_until(home, NEVER)
    assert run.returncode == 0, run.stderr
    assert digests(home) != digests(waiting)
    return digests(home), int(run.stdout.split()[-1])


def test_killed_at_ten_random_moments(
    waiting: Path, finished: tuple[dict[str, str], int], copy_of: Callable[[Path], Path]
) -> None:
    """Each run goes on from where the one before was killed; when one ends, the next starts over."""
    old, (new, changes) = digests(waiting), finished
    home = copy_of(waiting)
    moments, kills = random.Random(4), 0
    while kills < MOMENTS:
        if digests(home) == new:
            shutil.rmtree(home)
            home = copy_of(waiting)
        ended = run_until(home, moments.randint(1, changes // 4))
        kills += ended.returncode == -signal.SIGKILL
        assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
        assert digests(home) in (old, new), "a mixture is published"
        assert_readable(home)
    assert run_until(home, NEVER).returncode == 0
    assert digests(home) == new
    assert not list((home / "store").rglob(".*.tmp"))


@pytest.mark.parametrize("before_the_end", range(2))
def test_killed_while_publishing(
    waiting: Path, finished: tuple[dict[str, str], int], copy_of: Callable[[Path], Path], before_the_end: int
) -> None:
    """The last changes of a run are those that assemble the release and swap it in."""
    old, (new, changes) = digests(waiting), finished
    home = copy_of(waiting)
    assert run_until(home, changes - before_the_end).returncode == -signal.SIGKILL
    assert digests(home) in (old, new)
    assert_readable(home)
    assert run_until(home, NEVER).returncode == 0
    assert digests(home) == new
    assert_readable(home)


def assert_readable(home: Path) -> None:
    """Every table that the release names is there, through the catalogue, with its rows."""
    release = json.loads((home / "outputs" / "release.json").read_text())
    rows: dict[str, int] = {}
    for entry in release["tables"]:
        rows[entry["table"]] = rows.get(entry["table"], 0) + entry["rows"]
    with duckdb.connect(str(home / "outputs" / "linked_care.duckdb"), read_only=True) as reader:
        views = [
            name for (name,) in reader.execute("select view_name from duckdb_views() where not internal").fetchall()
        ]
    assert sorted(views) == sorted(rows)
    for name, expected in rows.items():
        files = [str(path) for path in (home / "outputs").resolve().glob(f"restricted/{name}/**/*.parquet")]
        with duckdb.connect() as reader:
            assert reader.execute(f"select count(*) from read_parquet({files})").fetchall()[0][0] == expected


def test_one_run_at_a_time(published: Path) -> None:
    """A second run ends at once with its own exit code and one line, and changes nothing."""
    before = digests(published)
    holding = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from pipelines.home import open_home\n"
            "with open_home(Path(sys.argv[1]), 'key'):\n    print('held', flush=True); sys.stdin.read()",
            str(published),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holding.stdout
    assert holding.stdout.readline() == "held\n"
    second = subprocess.run(
        [sys.executable, "-m", "cli.main", "nightly"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"LINKED_CARE_HOME": str(published), "LINKED_CARE_STATE": str(published / "dagster")},
    )
    holding.communicate("")
    assert second.returncode == 75
    assert [line for line in second.stderr.splitlines() if line.startswith("linked-care:")] == [
        f"linked-care: {published}: another run is writing here. Wait for it to end, then run again."
    ]
    assert "Traceback" not in second.stderr
    assert digests(published) == before
