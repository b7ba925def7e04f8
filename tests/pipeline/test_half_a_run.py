"""A release is of one run: what one stopped run or one table built alone left behind is not published."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from assets.linkage.identity import DEMONSTRATION_KEY
from assets.parameters import RunParameters
from assets.publication.release import publish
from pipelines.build import build_sql
from pipelines.errors import LinkedCareError
from pipelines.home import open_home
from schemas.catalogue import TABLES
from tests.releases import digests


def test_a_table_older_than_its_sources_is_not_published(published: Path, copy_of: Callable[..., Path]) -> None:
    home = copy_of(published)
    before = digests(home)
    with open_home(home, DEMONSTRATION_KEY) as opened:
        look_back = RunParameters.of("2024-25", look_back_years=1)
        build_sql(opened.store, TABLES["person_year_morbidity"], "2024-25", look_back.row())
        with pytest.raises(LinkedCareError, match=r"^cost_by_setting 2024-25: older than what it is made from"):
            publish(opened)
    assert digests(home) == before


def test_a_table_that_lacks_a_year_is_not_published(published: Path, copy_of: Callable[..., Path]) -> None:
    home = copy_of(published)
    shutil.rmtree(home / "store" / "person_year_cost" / "financial_year=2023-24")
    with (
        open_home(home, DEMONSTRATION_KEY) as opened,
        pytest.raises(LinkedCareError, match=r"^person_year_cost 2023-24: not built yet"),
    ):
        publish(opened)
