"""A malformed delivery is refused with one line that tells what is wrong and no value, and leaves nothing behind."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.malformed import fuzz
from tests.malformed.corpus import ANNOUNCEMENTS, FILES
from tests.malformed.deliveries import CSV, FORMS, MARKER, ROWS, land, say, send, take_everything
from tests.malformed.fuzz import fault_of


def written(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("content", "announced"), FORMS.values(), ids=FORMS)
def test_the_good_delivery_is_read_in_every_form(tmp_path, content, announced):
    land(tmp_path / "landing", content, **announced)
    receipt = take_everything(tmp_path)["d1"].receipt
    assert (receipt.reason, receipt.received_rows) == (None, len(ROWS))


@pytest.fixture
def accepted_before(tmp_path):
    """A home that holds a good delivery of March, taken in."""
    say(land(tmp_path / "landing", delivery_id="d0"), period_start="2024-03-01", period_end="2024-03-31")
    assert take_everything(tmp_path)["d0"].verdict == "accepted"
    return tmp_path


@pytest.mark.parametrize(
    ("spoil", "told"),
    [pytest.param(spoil, told, id=name) for name, spoil, told in [*FILES, *ANNOUNCEMENTS]],
)
def test_a_malformed_delivery_is_refused_with_one_line(accepted_before, capfd, caplog, spoil, told):
    root = accepted_before
    folder = land(root / "landing")
    spoil(folder)
    landed, stored = written(root / "landing"), written(root / "store" / "visit" / "d0")
    judged = take_everything(root)
    reason = judged["d1"].reason
    assert judged["d1"].verdict == "refused"
    assert told in reason
    assert len(reason.splitlines()) == 1
    assert MARKER not in reason + "".join(capfd.readouterr()) + caplog.text
    assert written(root / "landing") == landed
    assert judged["d0"].verdict == "accepted"
    assert written(root / "store" / "visit" / "d0") == stored
    assert [path.name for path in (root / "store" / "visit" / "d1").iterdir()] == ["receipt.json"]


def test_once_mended_it_is_taken_in(accepted_before):
    send(land(accepted_before / "landing"), b"nothing of the kind")
    assert take_everything(accepted_before)["d1"].verdict == "refused"
    send(accepted_before / "landing" / "visit" / "d1", CSV)
    assert take_everything(accepted_before)["d1"].verdict == "accepted"


def test_no_two_malformed_deliveries_have_one_name():
    names = [name for name, _, _ in [*FILES, *ANNOUNCEMENTS]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("seed", range(25))
def test_a_delivery_spoiled_at_random_is_read_or_refused(tmp_path, seed):
    assert fault_of(seed, tmp_path)[1] is None


def test_the_fuzzer_reports_whatever_is_no_refusal_of_one_line(tmp_path, monkeypatch):
    def fails(*_):
        raise ValueError

    def says(reason):
        real = fuzz.take_everything
        return lambda root: {name: replace(judged, reason=reason) for name, judged in real(root).items()}

    for position, driver in enumerate([fails, says("two\nlines"), says(f"it says {MARKER}")]):
        with monkeypatch.context() as patch:
            patch.setattr(fuzz, "take_everything", driver)
            assert fault_of(1, tmp_path / str(position))[1]
