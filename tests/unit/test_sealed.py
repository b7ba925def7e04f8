"""A record that carries its own digest is told from one that was changed."""

from datetime import date

import pytest

from pipelines.sealed import BrokenSealError, sealed, unsealed, was_never_sealed

RECORD = {"rows": 3, "months": ("2024-04", "2024-05"), "on": date(2024, 4, 1), "by": {"b": 1, "a": None}}


def test_what_was_sealed_is_read_back_as_json_says_it():
    assert unsealed(sealed(RECORD)) == RECORD | {"months": ["2024-04", "2024-05"], "on": "2024-04-01"}


def test_a_record_may_be_written_in_another_order_or_form():
    text = sealed(RECORD)
    assert unsealed(" ".join(text.split())) == unsealed(sealed(dict(reversed(RECORD.items()))))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"rows": 3', '"rows": 4'),
        lambda text: text.replace('"rows": 3', '"rows": "3"'),
        lambda text: text.replace('"rows": 3,', ""),
        lambda text: text.replace('"rows"', '"row"'),
        lambda text: text.replace("2024-04-01", "2024-04-02"),
        lambda text: text.replace('"seal": "', '"seal": "0'),
        lambda text: text[:-1],
        lambda text: "",
        lambda text: "[]",
        lambda text: "{}",
    ],
)
def test_any_change_breaks_the_seal(change):
    text = sealed(RECORD)
    assert change(text) != text
    with pytest.raises(BrokenSealError):
        unsealed(change(text))


@pytest.mark.parametrize(
    ("text", "never"), [("{}", True), ('{"rows": 3}', True), ("[]", False), ("{", False), (sealed({}), False)]
)
def test_a_record_without_a_seal_is_of_another_version(text, never):
    assert was_never_sealed(text) is never
