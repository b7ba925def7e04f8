"""One run writes at a time."""

import subprocess
import sys

import pytest

from pipelines.errors import AnotherRunError, LinkedCareError
from pipelines.home import open_home

OPEN = """
import sys
from pathlib import Path
from pipelines.errors import AnotherRunError
from pipelines.home import open_home
try:
    with open_home(Path(sys.argv[1]), "key"):
        print("opened")
except AnotherRunError as error:
    print("refused", error)
"""


def open_elsewhere(root) -> str:
    """What another process says that opens the same home."""
    return subprocess.run([sys.executable, "-c", OPEN, root], capture_output=True, text=True, check=True).stdout


def test_another_process_is_refused_while_a_run_writes_and_let_in_after_it(tmp_path):
    with open_home(tmp_path, "key"):
        assert open_elsewhere(tmp_path).startswith(f"refused {tmp_path}: another run is writing here.")
    assert open_elsewhere(tmp_path) == "opened\n"


def test_this_process_is_refused_too(tmp_path):
    with open_home(tmp_path, "key"), pytest.raises(AnotherRunError) as refusal, open_home(tmp_path, "key"):
        pass
    assert isinstance(refusal.value, LinkedCareError)
    assert "\n" not in str(refusal.value)


def test_two_homes_do_not_disturb_each_other(tmp_path):
    with open_home(tmp_path / "a", "key"), open_home(tmp_path / "b", "key"):
        pass


def test_the_lock_is_given_back_when_a_run_fails(tmp_path):
    with pytest.raises(RuntimeError), open_home(tmp_path, "key"):
        raise RuntimeError
    with open_home(tmp_path, "key") as home:
        assert home.root == tmp_path


def test_a_refused_opener_leaves_the_other_runs_work_alone(tmp_path):
    with open_home(tmp_path, "key") as home:
        staged = home.store.root / "spend" / ".1.tmp"
        staged.mkdir(parents=True)
        assert open_elsewhere(tmp_path).startswith("refused")
        assert staged.exists()


def test_opening_clears_what_a_killed_run_left(tmp_path):
    staged = tmp_path / "store" / "spend" / ".1.tmp"
    staged.mkdir(parents=True)
    with open_home(tmp_path, "key"):
        assert not staged.exists()


def test_folders_have_their_names(tmp_path):
    with open_home(tmp_path, "key") as home:
        assert (home.landing, home.outputs, home.releases) == (
            tmp_path / "landing",
            tmp_path / "outputs",
            tmp_path / "releases",
        )
        assert home.store.root.is_dir()
