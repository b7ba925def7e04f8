"""Running the nightly job in this process, as the scheduler's command does.

Belongs here: from an instance and a home to a finished run.
Does not belong here: what is shown to the user (`cli`).
"""

import time
from dataclasses import dataclass

import dagster as dg

from pipelines.definitions import definitions_over
from pipelines.errors import LinkedCareError
from pipelines.jobs import register_years
from pipelines.progress import listening
from pipelines.resources import home_path, home_resource

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class NightlyRun:
    """What a run published, and where its time went.

    Attributes:
        release: the release that `outputs/` shows.
        is_new: whether this run published it.
        step_seconds: seconds of computing by asset or check, Dagster's own time left out.
        wall_seconds: seconds in all.
    """

    release: str
    is_new: bool
    step_seconds: dict[str, float]
    wall_seconds: float


def run_nightly(instance: dg.DagsterInstance, rebuild: bool = False) -> NightlyRun:
    """Take in what has landed and publish one whole release.

    Raises:
        LinkedCareError: if the run stops; what was published before stays.
    """
    started = time.perf_counter()
    tags = register_years(instance, home_path())
    if not tags:
        raise LinkedCareError(
            f"{home_path() / 'landing'}: nothing has landed. Run `linked-care synthesise` or deliver files."
        )
    job = definitions_over(home_resource(rebuild)).resolve_job_def("nightly")
    step_seconds: dict[str, float] = {}
    with listening(lambda built: step_seconds.update({built.asset: built.seconds})):
        result = job.execute_in_process(instance=instance, tags=tags, run_config=_QUIET)
    metadata = result.asset_materializations_for_node("release")[0].metadata
    return NightlyRun(
        release=str(metadata["release"].value),
        is_new=bool(metadata["is_new"].value),
        step_seconds=step_seconds,
        wall_seconds=time.perf_counter() - started,
    )
