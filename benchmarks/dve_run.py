"""One validation by NHS England's Data Validation Engine, run by the Python of the engine's own environment.

`python dve_run.py CSV SMALL_CSV RULES FOLDER PERIOD_START PERIOD_END` validates one file on the DuckDB backend, which
needs no Java, after a small one as warm-up, and prints as JSON the seconds it took, the rows accepted and the rows that
break each rule. The seconds hold what the intake does, too: reading, typing, checking, writing the accepted rows and
the errors. They leave out imports, loading the rules, and the engine's Excel report.

Belongs here: calling the engine. Nothing of this project can be imported, since its packages are not installed here.
Does not belong here: the rules (`validation_engine.py`).
"""

import json
import logging
import sys
import time
from collections import Counter
from pathlib import Path

import duckdb
from dve.core_engine.backends.implementations.duckdb.auditing import DDBAuditingManager
from dve.core_engine.models import SubmissionInfo
from dve.pipeline.duckdb_pipeline import DDBDVEPipeline
from dve.pipeline.utils import load_config

_ENTITY = "op_attendance"


def main(csv: Path, small: Path, rules: Path, folder: Path, period: tuple[str, str]) -> None:
    """Validate and print."""
    logging.disable(logging.INFO)
    _validate(small, rules, folder / "warm-up", period)
    print(json.dumps(_validate(csv, rules, folder / "counted", period)))  # noqa: T201


def _validate(csv: Path, rules: Path, folder: Path, period: tuple[str, str]) -> dict:
    submission = SubmissionInfo(
        submission_id="one",
        dataset_id=_ENTITY,
        file_name=csv.stem,
        file_extension="csv",
        reporting_period_start=period[0],
        reporting_period_end=period[1],
    )
    working = folder / submission.submission_id
    working.mkdir(parents=True)
    (working / csv.name).symlink_to(csv.resolve())
    connection = duckdb.connect()
    pipeline = DDBDVEPipeline(
        processed_files_path=str(folder),
        audit_tables=DDBAuditingManager(":memory:", connection=connection),
        connection=connection,
        rules_path=str(rules),
        submitted_files_path=None,
    )
    load_config(_ENTITY, str(rules))
    started = time.perf_counter()
    _, status = pipeline.file_transformation(submission)
    if not status.validation_failed:
        _, status = pipeline.apply_data_contract(submission, status)
        _, status = pipeline.apply_business_rules(submission, status)
    seconds = time.perf_counter() - started
    failures = sorted(working.glob("processing_errors/*")) + sorted(working.glob("errors/file_transformation*"))
    if failures or status.processing_failed:
        raise SystemExit(f"the engine could not process the file: {', '.join(path.name for path in failures)}")
    return {
        "seconds": seconds,
        "accepted": duckdb.read_parquet(str(working / "business_rules" / _ENTITY)).shape[0],
        "broken": _broken(working / "errors"),
    }


def _broken(errors: Path) -> dict[str, int]:
    """Rows by the first rule that each breaks: the contract's messages come before the filters'."""
    first: dict[str, str] = {}
    for stage in ("data_contract", "business_rules"):
        path = errors / f"{stage}_errors.jsonl"
        for line in path.read_text().splitlines() if path.exists() else []:
            if line:
                error = json.loads(line)
                label = error["ErrorCode"] if stage == "business_rules" else _label(error)
                first.setdefault(str(error["RecordIndex"]), label)
    return dict(Counter(first.values()))


def _label(error: dict) -> str:
    return f"{error['ReportingField']}:{'required' if error['Category'] == 'Blank' else error['ErrorType']}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]), (sys.argv[5], sys.argv[6]))
