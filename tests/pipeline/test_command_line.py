"""The commands as a user types them: what they print and the exit codes that a scheduler reads."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def linked_care(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {
            "LINKED_CARE_HOME": str(home),
            "LINKED_CARE_STATE": str(home / "dagster"),
            "COLUMNS": "200",
            "NO_COLOR": "1",
        },
    )


def test_from_nothing_to_a_release(tmp_path: Path) -> None:
    empty = linked_care(tmp_path, "nightly")
    assert empty.returncode == 1
    assert "no delivery of care has landed" in empty.stderr
    assert "Traceback" not in empty.stderr

    made = linked_care(tmp_path, "synthesise", "--people", "200", "--years", "2024-25..2024-25", "--seed", "3")
    assert made.returncode == 0, made.stderr
    again = linked_care(tmp_path, "synthesise", "--people", "200")
    assert again.returncode == 1
    assert "already holds deliveries" in again.stderr

    first = linked_care(tmp_path, "nightly")
    assert first.returncode == 0, first.stderr
    assert "balances to the penny" in first.stdout
    assert "months of providers were due: 0 missing, 0 came late" in first.stdout
    assert "published" in first.stdout
    second = linked_care(tmp_path, "nightly")
    assert second.returncode == 0
    assert "nothing new, nothing published" in second.stdout

    shown = linked_care(tmp_path, "status")
    assert shown.returncode == 0
    assert "0 deliveries waiting" in shown.stdout
    calibrated = linked_care(tmp_path, "calibrate")
    assert "Calibration, 2024-25" in calibrated.stdout
    assert "of 8 hard targets met" in calibrated.stdout
    assert calibrated.returncode == (0 if "8 of 8 hard" in calibrated.stdout else 1)


def test_a_refused_delivery_is_told_and_the_rest_goes_on(published: Path, copy_of: Callable[..., Path]) -> None:
    home = copy_of(published)
    folder = home / "landing" / "apc_spell" / "apc_spell-SUS-2024-06"
    bad = shutil.copytree(folder, folder.with_name("apc_spell-SUS-2024-06-r2"))
    announced = json.loads((bad / "delivery.json").read_text())
    announced |= {"delivery_id": bad.name, "received_at": "2025-06-01T06:00:00Z"}
    announced["files"][0]["rows"] += 1
    (bad / "delivery.json").write_text(json.dumps(announced))
    run = linked_care(home, "nightly")
    assert run.returncode == 3
    assert "refused: apc_spell/apc_spell-SUS-2024-06-r2:" in run.stdout
    assert "rows are announced and" in run.stdout


def test_quality_judges_what_is_stored(published: Path, tmp_path: Path) -> None:
    plain = linked_care(published, "quality")
    assert plain.returncode == 0, plain.stderr
    assert "0 of " in plain.stdout and "rules are over their limit" in plain.stdout
    strict = linked_care(published, "quality", "--feed", "apc_spell", "--maximum-rate", "0.5", "--maximum-count", "0")
    assert "Judged under 0 rows and 50.00% of rows" in strict.stdout
    one = linked_care(published, "quality", "--rule", "apc_spell.outside_period")
    assert "apc_spell-SUS-2024-06" in one.stdout
    written = linked_care(published, "quality", "--data-docs", str(tmp_path / "docs"))
    assert written.returncode == 0, written.stderr
    assert "apc_spell" in (tmp_path / "docs" / "index.html").read_text()
    for wrong, told in (
        (("--feed", "nonesuch"), "feeds are ambulance_incident"),
        (("--rule", "apc_spell.nonesuch"), "no contract has it"),
        (("--rule", "apc_spell.outside_period", "--plot", "trend.svg"), "no trend to draw"),
    ):
        run = linked_care(published, "quality", *wrong)
        assert (run.returncode, told in run.stderr, "Traceback" in run.stderr) == (1, True, False), run.stderr


def test_the_trend_is_drawn(published: Path, copy_of: Callable[..., Path], nightly: Callable) -> None:
    home = copy_of(published)
    [rows] = (home / "landing" / "op_attendance" / "op_attendance-SUS-2024-06").glob("*.csv")
    late = shutil.copytree(rows.parent, rows.parent.with_name("op_attendance-SUS-2025-03-r2"))
    announced = json.loads((late / "delivery.json").read_text())
    announced |= {"delivery_id": late.name, "received_at": "2025-06-01T06:00:00Z"}
    announced |= {"period_start": "2025-03-01", "period_end": "2025-03-31"}  # so that every row lies outside it
    (late / "delivery.json").write_text(json.dumps(announced))
    nightly(home)
    drawn = linked_care(home, "quality", "--maximum-rate", "0.1", "--plot", str(home / "trend.html"))
    assert drawn.returncode == 0, drawn.stderr
    assert "op_attendance.outside_period" in drawn.stdout
    assert "op_attendance.outside_period" in (home / "trend.html").read_text()


def test_wrong_usage(tmp_path: Path) -> None:
    assert linked_care(tmp_path, "nightly", "--no-such-option").returncode == 2
    years = linked_care(tmp_path, "synthesise", "--years", "2024")
    assert years.returncode == 1
    assert "write it as 2022-23..2024-25" in years.stderr
    rate = linked_care(tmp_path, "synthesise", "--faults", "all", "--fault-rate", "0")
    assert rate.returncode == 2
    unknown = linked_care(tmp_path, "dq-score")
    assert unknown.returncode == 1
    assert "has no truth.json" in unknown.stderr
    assert linked_care(tmp_path, "calibrate").returncode == 1
    unbuilt = linked_care(tmp_path, "quality")
    assert (unbuilt.returncode, "not built yet" in unbuilt.stderr) == (1, True)
