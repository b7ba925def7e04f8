"""Running the nightly job in this process, as the scheduler's command does.

Belongs here: from an instance and a home to a finished run.
Does not belong here: what is shown to the user (`cli`).
"""

import time
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from pipelines.assets import UNCHANGED
from pipelines.definitions import definitions_over
from pipelines.errors import LinkedCareError
from pipelines.jobs import register_years
from pipelines.progress import listening
from pipelines.resources import HomeResource

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class NightlyRun:
    """What a run published, and where its time went.

    Attributes:
        release: the release that `outputs/` shows.
        is_new: whether this run published it.
        rebuilt: the tables that were computed, with the years.
        step_seconds: seconds of computing by asset or check, Dagster's own time left out.
        wall_seconds: seconds in all.
    """

    release: str
    is_new: bool
    rebuilt: dict[str, str]
    step_seconds: dict[str, float]
    wall_seconds: float


def run_nightly(instance: dg.DagsterInstance, home: HomeResource) -> NightlyRun:
    """Take in what has landed and publish one whole release.

    Raises:
        LinkedCareError: if the run stops; what was published before stays.
    """
    started = time.perf_counter()
    tags = register_years(instance, Path(home.root))
    if not tags:
        raise LinkedCareError(
            f"{home.root}/landing: no delivery of care has landed. Run `linked-care synthesise`, or deliver files."
        )
    job = definitions_over(home).resolve_job_def("nightly")
    step_seconds: dict[str, float] = {}
    with listening(lambda built: step_seconds.update({built.asset: built.seconds})):
        result = _execute(job, instance, tags)
    rebuilt = {
        event.asset_key.to_user_string(): str(event.materialization.metadata["rebuilt"].value)
        for event in result.get_asset_materialization_events()
        if event.asset_key and "rebuilt" in event.materialization.metadata
    }
    release = result.asset_materializations_for_node("release")[0].metadata
    return NightlyRun(
        release=str(release["release"].value),
        is_new=bool(release["is_new"].value),
        rebuilt={table: years for table, years in rebuilt.items() if years != UNCHANGED},
        step_seconds=step_seconds,
        wall_seconds=time.perf_counter() - started,
    )


def _execute(job: dg.JobDefinition, instance: dg.DagsterInstance, tags: dict[str, str]) -> dg.ExecuteInProcessResult:
    """Run the job; what stops it is the user's error itself, also where Dagster wraps it."""
    try:
        return job.execute_in_process(instance=instance, tags=tags, run_config=_QUIET)
    except dg.DagsterError as error:
        if isinstance(error.__cause__, LinkedCareError):
            raise error.__cause__ from None
        raise
