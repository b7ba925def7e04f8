"""Rules that a data engineer has released, by delivery; a file that is not whole releases nothing."""

from pathlib import Path

import pytest

from assets.feeds.releases import released_rules
from pipelines.errors import LinkedCareError

HEADER = "feed,delivery_id,rule_code,reason,decided_by,decided_on\n"


@pytest.fixture
def write(tmp_path: Path):
    def put(text: str | bytes) -> Path:
        path = tmp_path / "released_rules.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return put


def test_without_a_file_nothing_is_released(tmp_path: Path):
    assert released_rules(tmp_path / "released_rules.csv", "visit")("april") == frozenset()


def test_a_release_holds_for_its_delivery_and_a_blank_one_for_every_delivery(write):
    path = write(
        HEADER
        + "visit,april,visit.mode.enum,a new code,Anna,2024-05-20\n"
        + 'visit,,visit.minutes.minimum,"short visits, agreed",Anna,2024-05-20\n'
        + "other,april,other.mode.enum,a new code,Anna,2024-05-20\n"
    )
    released = released_rules(path, "visit")
    assert released("april") == {"visit.mode.enum", "visit.minutes.minimum"}
    assert released("may") == {"visit.minutes.minimum"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("feed,rule_code\n", "its header is not feed,delivery_id,rule_code"),
        ("", "its header is not"),
        (HEADER + "visit,,visit.mode.enum,,Anna,2024-05-20\n", "line 2 lacks reason. Fill it in."),
        (HEADER + "visit,,visit.mode.enum,new code,,\n", "line 2 lacks decided_by, decided_on."),
        (HEADER + "visit,,other.mode.enum,new code,Anna,2024-05-20\n", "line 2 releases a rule of another feed"),
        (HEADER + "other,,other.mode.enum,new code,Anna,May\n", "line 2: decided_on is no day"),
        (HEADER + "visit,,visit.mode.enum\n", "line 2 has not 6 values"),
        (HEADER + "visit,,visit.mode.enum,a,b,2024-05-20,c\n", "line 2 has not 6 values"),
        (HEADER + 'visit,,"visit.mode.enum,a,b,2024-05-20\n', "is not CSV in UTF-8"),
        (b"\xff\xfe", "is not CSV in UTF-8"),
    ],
)
def test_a_file_that_is_not_whole_stops_in_one_line(write, text, told):
    path = write(text)
    with pytest.raises(LinkedCareError) as refusal:
        released_rules(path, "visit")
    assert str(refusal.value).startswith(f"{path}: ")
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)
