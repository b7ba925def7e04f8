"""The resource that opens the home for a run, and the variables that it reads. Where the home is: `environment.py`.

| variable | meaning | default |
|---|---|---|
| LINKED_CARE_HOME | where landing/, store/, releases/ and outputs/ are | ./data |
| LINKED_CARE_PERSON_KEY | secret under which people are hashed | the public demonstration key |
| LINKED_CARE_MEMORY | memory limit of the engine | 4GB |
| LINKED_CARE_PRICE_BOOK | name of the price book: a folder in prices/ of the home, or a shipped one | national |
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from assets.linkage.identity import DEMONSTRATION_KEY
from assets.publication.withdrawal import finish_all
from pipelines.environment import home_path
from pipelines.home import Home, open_home
from pipelines.verification import verify_home


class HomeResource(dg.ConfigurableResource):
    """Opens the home for the length of a run, so that two runs never write at once."""

    root: str
    person_key: str = DEMONSTRATION_KEY
    memory_limit: str = "4GB"
    rebuild: bool = False
    _home: Home | None = PrivateAttr(default=None)

    @property
    def home(self) -> Home:
        """The opened home."""
        assert self._home
        return self._home

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["HomeResource"]:
        """Hold the lock for the length of the run, which begins by proving what is stored unless it makes all again."""
        with open_home(Path(self.root), self.person_key, self.memory_limit, self.rebuild) as home:
            finish_all(home.releases)
            if not self.rebuild:
                verify_home(home)
            self._home = home
            yield self


def home_resource(rebuild: bool = False) -> HomeResource:
    """The home as the environment describes it; `rebuild` computes everything again."""
    return HomeResource(
        root=str(home_path()),
        person_key=os.environ.get("LINKED_CARE_PERSON_KEY", DEMONSTRATION_KEY),
        memory_limit=os.environ.get("LINKED_CARE_MEMORY", "4GB"),
        rebuild=rebuild,
    )


def dagster_instance() -> dg.DagsterInstance:
    """The instance that `dagster.yaml` describes, with its state under the home."""
    state = home_path() / "dagster"
    state.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("DAGSTER_HOME", str(Path(__file__).parent.parent))
    os.environ.setdefault("LINKED_CARE_STATE", str(state))
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    return dg.DagsterInstance.get()
