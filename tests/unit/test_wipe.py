"""What was refused leaves landing for good; its receipt stays and goes on standing as a refusal."""

import json
import os
import shutil

import pytest
from typer.testing import CliRunner

from assets.feeds import wiping
from assets.feeds.current import build_feed, judged_receipts
from assets.feeds.receipt import WIPED
from assets.feeds.wiping import all_refused, named_refused, refuse_to_wipe, wipe
from cli import wipe as command_module
from cli.main import app
from cli.nightly import standing_refusals
from pipelines.errors import LinkedCareError
from schemas.contract import load
from tests.accounts import build_accounts

NOBODY, NOON = "A. Clerk", "2024-06-01T12:00:00+00:00"
BAD = [("rows.csv", b"Visit,Provider\nv1,RA1\n")]


@pytest.fixture
def visit(visit_document, write_contract):
    """The small feed with records that run over time, so that a delivery inside another's period is refused."""
    interval = {"property": "intervalColumns", "value": ["visit_date", "visit_date"]}
    visit_document["schema"][0]["customProperties"].append(interval)
    return load(write_contract(visit_document))


@pytest.fixture
def build(home, visit):
    """One run of the small feed and the accounts; the refusals that stand after it."""

    def run() -> list[str]:
        build_feed(home.store, home.landing, visit)
        build_accounts(home.store, {"visit": visit})
        return standing_refusals(home.store.frame("delivery_receipt"))["delivery_id"].to_list()

    return run


@pytest.fixture
def refused(home, deliver, build):
    """A feed with one good delivery, and one of another month that lacks columns."""
    deliver("good", {})
    deliver("bad", files=BAD, period=("2024-05-01", "2024-05-31"), received="2024-06-10T06:00:00Z")
    assert build() == ["bad"]
    return home


def wiped(home, *names: str) -> int:
    chosen = named_refused(home.root, ["visit"], names) if names else all_refused(home.root, ["visit"])
    refuse_to_wipe(chosen)
    return sum(wipe(one, NOBODY, NOON) for one in chosen)


def files(home) -> list[str]:
    return sorted(str(p.relative_to(home.root)) for p in home.root.glob("*/visit/*/*") if p.suffix != ".tmp")


def test_the_landing_folder_goes_and_the_receipt_stays(refused):
    before = files(refused)
    assert wiped(refused, "visit/bad") == 2
    assert files(refused) == sorted(
        {*before, "store/visit/bad/wiped.json"} - {"landing/visit/bad/delivery.json", "landing/visit/bad/rows.csv"}
    )
    assert not (refused.landing / "visit" / "bad").exists()
    marker = json.loads((refused.root / "store" / "visit" / "bad" / WIPED).read_text())
    assert marker == {"wiped_by": NOBODY, "wiped_at": NOON, "files": 2}


def test_a_wiped_delivery_stays_refused_until_a_good_one_covers_its_period(refused, build, deliver):
    reason = judged_receipts(refused.store.root / "visit")[1].reason
    wiped(refused)
    assert build() == ["bad"]
    assert build() == ["bad"]
    found = refused.store.frame("delivery_receipt").filter(delivery_id="bad")
    assert found.select("verdict", "reason").rows() == [("refused", reason)]
    deliver("mended", {"Visit": "v2", "Date": "2024-05-02"}, period=("2024-05-01", "2024-05-31"),
            received="2024-06-12T06:00:00Z")  # fmt: skip
    assert build() == []
    assert refused.store.frame("delivery_receipt").filter(delivery_id="bad")["verdict"].to_list() == ["refused"]


def test_all_refused_are_wiped_once(refused):
    assert [one.delivery_id for one in all_refused(refused.root, ["visit"])] == ["bad"]
    assert wiped(refused) == 2
    assert all_refused(refused.root, ["visit"]) == []
    assert wiped(refused, "visit/bad") == 0


def test_what_is_not_refused_cannot_be_wiped(refused):
    before = files(refused)
    with pytest.raises(LinkedCareError, match="visit/good: is accepted"):
        wiped(refused, "visit/bad", "visit/good")
    assert files(refused) == before


@pytest.mark.parametrize("name", ["visit/nothing", "other/bad", "bad", "visit/../visit/bad", "visit/", "/etc", ""])
def test_only_the_name_of_a_judged_delivery_is_taken(refused, name):
    before = files(refused)
    with pytest.raises(LinkedCareError, match="no run has judged such a delivery"):
        wiped(refused, name)
    assert files(refused) == before


def test_a_link_is_not_followed(refused, tmp_path):
    folder = refused.landing / "visit" / "bad"
    kept = folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(kept)
    with pytest.raises(LinkedCareError, match="is a link"):
        wiped(refused, "visit/bad")
    assert len(list(kept.iterdir())) == 2


def test_a_folder_that_changed_since_is_not_wiped(refused, build):
    rows = refused.landing / "visit" / "bad" / "rows.csv"
    rows.write_bytes(rows.read_bytes())
    receipt = refused.root / "store" / "visit" / "bad" / "receipt.json"
    os.utime(receipt, ns=(0, 0))  # as if the delivery had been judged long before
    with pytest.raises(LinkedCareError, match=r"may be mended\. Run `linked-care nightly` first"):
        wiped(refused, "visit/bad")
    assert rows.exists()
    build()
    assert wiped(refused, "visit/bad") == 2


def test_an_announcement_that_cannot_be_read_is_wiped_unless_it_was_mended(home, deliver, build):
    folder = deliver("broken", {})
    manifest = (folder / "delivery.json").read_text()
    (folder / "delivery.json").write_text("{")
    assert build() == ["broken"]
    (folder / "delivery.json").write_text(manifest)
    with pytest.raises(LinkedCareError, match="may be mended"):
        wiped(home, "visit/broken")
    (folder / "delivery.json").write_text("{")
    assert wiped(home, "visit/broken") == 2
    assert build() == ["broken"]


def test_rows_of_a_delivery_that_overlaps_another_go_too_and_it_stays_refused(home, deliver, build):
    deliver("april", {})
    deliver("part", {"Visit": "v2"}, {"Visit": "v3", "Minutes": "0"}, period=("2024-04-10", "2024-04-20"),
            received="2024-06-10T06:00:00Z")  # fmt: skip
    assert build() == ["part"]
    reason = judged_receipts(home.store.root / "visit")[1].reason
    before = home.store.frame("delivery_receipt").filter(delivery_id="part")
    assert wiped(home, "visit/part") == 2 + 3
    assert sorted(path.name for path in (home.store.root / "visit" / "part").iterdir()) == ["receipt.json", WIPED]
    assert build() == ["part"]
    assert home.store.frame("delivery_receipt").filter(delivery_id="part").equals(before)
    for root in (home.landing, home.store.root):
        shutil.rmtree(root / "visit" / "april")
    assert build() == ["part"], "nothing that it overlaps stands any more, and its rows are gone"
    assert judged_receipts(home.store.root / "visit")[0].reason == reason


def test_a_delivery_that_was_read_is_not_wiped_once_it_announces_other_files(home, deliver, build):
    deliver("april", {})
    folder = deliver("part", {"Visit": "v2"}, period=("2024-04-10", "2024-04-20"), received="2024-06-10T06:00:00Z")
    build()
    announced = json.loads((folder / "delivery.json").read_text())
    announced["files"][0]["sha256"] = "0" * 64
    (folder / "delivery.json").write_text(json.dumps(announced))
    with pytest.raises(LinkedCareError, match="may be mended"):
        wiped(home, "visit/part")
    (folder / "delivery.json").write_text("{")
    with pytest.raises(LinkedCareError, match="may be mended"):
        wiped(home, "visit/part")


def test_a_wipe_that_was_cut_off_is_done_again(refused, build, monkeypatch):
    def cut_off(folder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(wiping.shutil, "rmtree", cut_off)
        with pytest.raises(KeyboardInterrupt):
            wiped(refused)
    assert build() == ["bad"]
    assert wiped(refused) == 1
    assert not (refused.landing / "visit" / "bad").exists()


@pytest.fixture
def command(refused, visit, monkeypatch):
    """The command, in a home whose one feed is the small one and that nobody holds."""
    monkeypatch.setattr(command_module, "contracts", lambda: {"visit": visit})
    monkeypatch.setenv("LINKED_CARE_HOME", str(refused.root))
    (refused.store.root / ".lock").unlink(missing_ok=True)

    def run(*arguments: str, answer: str | None = None) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["wipe", *arguments], input=answer)
        if isinstance(result.exception, LinkedCareError):
            return 1, str(result.exception)
        return result.exit_code, result.output

    return run


def test_the_command_asks_first(refused, command):
    code, told = command("visit/bad", answer="n\n")
    assert code == 1
    assert "visit/bad: 2 files; refused: rows.csv lacks" in told
    assert (refused.landing / "visit" / "bad" / "rows.csv").exists()
    code, told = command("visit/bad", answer="y\n")
    assert code == 0
    assert "1 deliveries wiped, 2 files" in told
    assert not (refused.landing / "visit" / "bad").exists()


def test_the_command_wipes_all_without_asking_if_told_so(refused, command):
    assert command("--all-refused", "--yes")[0] == 0
    assert not (refused.landing / "visit" / "bad").exists()
    assert (refused.landing / "visit" / "good").exists()
    assert command("--all-refused", "--yes") == (0, "nothing refused is left to wipe\n")


def test_the_command_needs_deliveries_or_all_of_them(command):
    assert command()[0] == 2
    assert command("visit/bad", "--all-refused")[0] == 2
    assert command("visit/good", "--yes")[0] == 1
