"""A malformed delivery is refused with one line that tells what is wrong and no value, and leaves nothing behind."""

import traceback
from pathlib import Path

import pytest

from assets.feeds.delivery import RefusedDeliveryError
from tests.malformed import fuzz
from tests.malformed.corpus import ANNOUNCEMENTS, FILES, UNMENDED
from tests.malformed.deliveries import FORMS, MARKER, ROWS, land, read_everything
from tests.malformed.fuzz import fault_of


def written(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("content", "announced"), FORMS.values(), ids=FORMS)
def test_the_good_delivery_is_read_in_every_form(tmp_path, content, announced):
    assert read_everything(land(tmp_path / "landing", content, **announced), tmp_path / "spool") == len(ROWS)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [pytest.param(spoil, told, id=name) for name, spoil, told in [*FILES, *ANNOUNCEMENTS]],
)
def test_a_malformed_delivery_is_refused_with_one_line(tmp_path, capfd, caplog, spoil, told):
    folder = land(tmp_path / "landing")
    spoil(folder)
    before = written(tmp_path / "landing")
    with pytest.raises(RefusedDeliveryError) as refused:
        read_everything(folder, tmp_path / "spool")
    message = str(refused.value)
    assert told in message
    assert len(message.splitlines()) == 1
    assert MARKER not in message + "".join(capfd.readouterr()) + caplog.text
    assert MARKER not in "".join(traceback.format_exception(refused.value))
    assert written(tmp_path / "landing") == before
    assert {path.name for path in tmp_path.iterdir()} <= {"landing", "spool"}


@pytest.mark.xfail(strict=True, raises=(OverflowError, RecursionError, OSError))
@pytest.mark.parametrize("spoil", [pytest.param(spoil, id=name) for name, spoil in UNMENDED])
def test_an_announcement_that_ends_the_run(tmp_path, spoil):
    folder = land(tmp_path / "landing")
    spoil(folder)
    with pytest.raises(RefusedDeliveryError):
        read_everything(folder, tmp_path / "spool")


def test_no_two_malformed_deliveries_have_one_name():
    names = [name for name, _, _ in [*FILES, *ANNOUNCEMENTS]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("seed", range(25))
def test_a_delivery_spoiled_at_random_is_read_or_refused(tmp_path, seed):
    assert fault_of(seed, tmp_path)[1] is None


def test_the_fuzzer_reports_whatever_is_no_refusal_of_one_line(tmp_path, monkeypatch):
    raised = [ValueError("x"), RefusedDeliveryError("two\nlines"), RefusedDeliveryError(f"it says {MARKER}")]
    for position, error in enumerate(raised):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr(fuzz, "read_everything", fail)
        assert fault_of(1, tmp_path / str(position))[1]
