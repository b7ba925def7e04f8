"""What Dagster is told: the graph, the schedule, the sensor, one year alone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from pipelines.assets import YEARS
from pipelines.definitions import definitions_over
from pipelines.jobs import new_deliveries, nightly_at_two, register_years
from pipelines.resources import HomeResource
from schemas.table import STEPS

SNAPSHOT = Path(__file__).parent / "asset_graph.json"


@pytest.fixture
def definitions(tmp_path: Path) -> dg.Definitions:
    return definitions_over(HomeResource(root=str(tmp_path)))


def test_definitions_load(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_the_asset_graph_is_the_reviewed_one(definitions: dg.Definitions) -> None:
    """Regenerate after a deliberate change: `python -m tests.pipeline.test_dagster`."""
    assert json.loads(SNAPSHOT.read_text()) == asset_graph(definitions)


def asset_graph(definitions: dg.Definitions) -> dict[str, dict[str, object]]:
    graph = definitions.resolve_asset_graph()
    return {
        key.to_user_string(): {
            "group": graph.get(key).group_name,
            "by_year": graph.get(key).is_partitioned,
            "after": sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
            "checks": sorted(check.name for check in graph.get(key).check_keys),
        }
        for key in sorted(graph.get_all_asset_keys())
    }


def test_groups_are_the_steps(definitions: dg.Definitions) -> None:
    groups = {entry["group"] for entry in asset_graph(definitions).values()}
    assert groups == {*STEPS, "publication"}


def test_every_asset_has_owners_kinds_and_columns(definitions: dg.Definitions) -> None:
    for key, node in ((key, definitions.resolve_asset_graph().get(key)) for key in _keys(definitions)):
        assert node.owners, key
        assert node.kinds, key
        assert node.description, key
        assert key.to_user_string() == "release" or "dagster/column_schema" in node.metadata, key


def _keys(definitions: dg.Definitions) -> list[dg.AssetKey]:
    return sorted(definitions.resolve_asset_graph().get_all_asset_keys())


def test_the_schedule_runs_at_two_in_london_over_every_year(
    clean_landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKED_CARE_HOME", str(clean_landing.parent))
    assert (nightly_at_two.cron_schedule, nightly_at_two.execution_timezone) == ("0 2 * * *", "Europe/London")
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        with dg.build_schedule_context(instance=instance) as context:
            request = nightly_at_two.evaluate_tick(context).run_requests[0]
        assert instance.get_dynamic_partitions("financial_year") == ["2023-24", "2024-25"]
    assert request.tags["dagster/asset_partition_range_start"] == "2023-24"
    assert request.tags["dagster/asset_partition_range_end"] == "2024-25"


def test_the_sensor_starts_a_run_for_a_new_delivery_and_only_then(
    published: Path, copy_of: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copy_of(published)
    monkeypatch.setenv("LINKED_CARE_HOME", str(home))
    assert tick().skip_message == "No new delivery."
    folder = home / "landing" / "apc_spell" / "apc_spell-SUS-2024-06"
    shutil.copytree(folder, folder.with_name("apc_spell-SUS-2024-06-r2"))
    first, second = tick().run_requests, tick().run_requests
    assert len(first) == 1
    assert first[0].run_key == second[0].run_key  # asked again before the run has started, it is the same request


def tick() -> dg.SensorResult:
    with dg.DagsterInstance.ephemeral() as instance, dg.build_sensor_context(instance=instance) as context:
        return new_deliveries.evaluate_tick(context)


def test_one_year_of_a_table_can_be_materialised_alone(published: Path, copy_of: Callable[..., Path]) -> None:
    home = copy_of(published)
    store = home / "store" / "person_year_cost"
    for pointer in store.rglob("current.json"):
        pointer.unlink()
    with dg.DagsterInstance.ephemeral() as instance:
        register_years(instance, home)
        result = (
            definitions_over(HomeResource(root=str(home)))
            .resolve_job_def("nightly")
            .execute_in_process(
                instance=instance, asset_selection=[dg.AssetKey("person_year_cost")], partition_key="2024-25"
            )
        )
        assert result.success
        assert instance.get_materialized_partitions(dg.AssetKey("person_year_cost")) == {"2024-25"}
    assert [path.parent.name for path in store.rglob("current.json")] == ["financial_year=2024-25"]


def test_partitions_are_financial_years() -> None:
    assert YEARS.name == "financial_year"


if __name__ == "__main__":
    graph = asset_graph(definitions_over(HomeResource(root=".")))
    SNAPSHOT.write_text(json.dumps(graph, indent=1) + "\n")
