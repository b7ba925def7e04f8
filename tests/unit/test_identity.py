"""Which person a pseudonym stands for."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.feeds.current import build_feed
from assets.linkage.identity import DEMONSTRATION_KEY, build_person_identifier, end_of_chain, people_of, person_id
from assets.reference import build_reference
from pipelines.errors import LinkedCareError
from schemas.contract import contracts
from schemas.linkage import DUMMY_PSEUDONYM
from tests.accounts import build_accounts

KEY = "a secret of at least sixteen characters"


@pytest.mark.parametrize(
    ("mergers", "end"),
    [
        pytest.param({}, "a", id="no merger"),
        pytest.param({"a": "b"}, "b", id="one"),
        pytest.param({"a": "b", "b": "c", "c": "d"}, "d", id="a chain"),
        pytest.param({"x": "a"}, "a", id="the end"),
        pytest.param({"a": "b", "b": "a"}, None, id="a circle of two"),
        pytest.param({"a": "b", "b": "c", "c": "a"}, None, id="a circle of three"),
        pytest.param({"a": "b", "b": "c", "c": "b"}, None, id="a chain into a circle"),
        pytest.param({"a": "a"}, None, id="itself"),
    ],
)
def test_a_chain_ends_in_its_last_survivor(mergers, end):
    assert end_of_chain("a", mergers) == end


@pytest.mark.parametrize(
    ("registered", "mergers", "people"),
    [
        pytest.param({"a", "b"}, {}, {"a": "a", "b": "b"}, id="nobody merged"),
        pytest.param({"b"}, {"a": "b"}, {"a": "b", "b": "b"}, id="the survivor is registered"),
        pytest.param({"a"}, {"a": "b"}, {"a": "b", "b": "b"}, id="only the superseded one is registered"),
        pytest.param({"b"}, {"a": "b", "b": "c"}, {"a": "c", "b": "c", "c": "c"}, id="the middle is registered"),
        pytest.param({"c"}, {"a": "c", "b": "c"}, {"a": "c", "b": "c", "c": "c"}, id="branches meet"),
        pytest.param({"x"}, {"a": "b"}, {"x": "x"}, id="a chain of strangers"),
        pytest.param({"a", "b"}, {"a": "b", "b": "a"}, {"a": "a", "b": "b"}, id="a circle is void"),
        pytest.param({"a"}, {"a": "b", "b": "a"}, {"a": "a"}, id="a circle, half of it registered"),
        pytest.param(
            {"a", "b", "c"}, {"a": "b", "b": "c", "c": "b"}, {"a": "a", "b": "b", "c": "c"}, id="a chain into a circle"
        ),
        pytest.param(set(), {"a": "b"}, {}, id="nobody registered"),
    ],
)
def test_pseudonyms_of_one_person_share_its_end(registered, mergers, people):
    assert people_of(registered, mergers) == people


def test_mergers_in_a_circle_are_counted_and_not_named(caplog):
    people_of({"marker-a"}, {"marker-a": "marker-b", "marker-b": "marker-a"})
    [record] = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "2 pseudonyms are merged in a circle" in record.getMessage()
    assert "marker" not in record.getMessage()


pseudonyms = st.sampled_from("abcdefg")


@given(registered=st.sets(pseudonyms), mergers=st.dictionaries(pseudonyms, pseudonyms))
def test_every_registered_pseudonym_is_somebody_and_every_end_is_its_own(registered, mergers):
    people = people_of(registered, mergers)
    assert registered <= people.keys()
    for end in people.values():
        assert people[end] == end
    for superseded, survivor in mergers.items():
        if superseded in people and end_of_chain(superseded, mergers):
            assert people[superseded] == people[survivor]


@given(domain=st.text(max_size=5), pseudonym=st.text(max_size=5), key=st.text(max_size=80))
def test_an_identifier_is_a_positive_bigint_for_any_key(domain, pseudonym, key):
    assert 0 < person_id(domain, pseudonym, key) < 2**63


def test_an_identifier_is_the_same_in_every_run():
    """Were it another, every person published before would become a stranger."""
    assert person_id("county", "0001", "key") == 5741733842935335854


def test_an_identifier_depends_on_domain_pseudonym_and_key():
    given_ids = {
        person_id("county", "0001", KEY),
        person_id("county", "0002", KEY),
        person_id("shire", "0001", KEY),
        person_id("county", "0001", KEY + "!"),
        person_id("county0", "001", KEY),
    }
    assert len(given_ids) == 5


@pytest.fixture
def register(deliver, home):
    """Makes people and mergers of a domain current, with the accounts and the reference that linkage reads."""

    def build(*pseudonyms: str, mergers=(), domain="county", synthetic=True) -> None:
        feeds = {name: contracts()[name] for name in ("patient_register", "person_merger")}
        person = {column.name: column.header for column in feeds["patient_register"].columns}
        plain = dict.fromkeys(person.values(), "") | {
            person["birth_month"]: "1950-01",
            person["practice_code"]: "L81001",
            person["registered_from"]: "2020-01-01",
        }
        deliver(
            f"register-{domain}",
            *({person["pseudonym"]: pseudonym} for pseudonym in pseudonyms),
            feed="patient_register",
            plain=plain,
            supplier=domain,
            pseudonym_domain=domain,
            synthetic=synthetic,
        )
        merger = {column.name: column.header for column in feeds["person_merger"].columns}
        deliver(
            f"merger-{domain}",
            *({merger["superseded_pseudonym"]: old, merger["pseudonym"]: new} for old, new in mergers),
            feed="person_merger",
            plain={merger["merged_on"]: "2024-04-02"},
            supplier=domain,
            pseudonym_domain=domain,
            synthetic=synthetic,
        )
        for contract in feeds.values():
            build_feed(home.store, home.landing, contract)
        build_accounts(home.store, feeds)
        assert home.store.frame("delivery_receipt")["rejected_rows"].sum() == 0
        build_reference(home.store, DUMMY_PSEUDONYM)

    return build


def identifiers(store, key=KEY):
    build_person_identifier(store, key)
    rows = store.frame("person_identifier").rows()
    return {(domain, pseudonym): (person, how) for domain, pseudonym, person, how in rows}


def test_registered_and_merged_pseudonyms_stand_for_people(register, store):
    register("0001", "0002", mergers=[("0009", "0001"), ("0008", "0007")])
    one, two = person_id("county", "0001", KEY), person_id("county", "0002", KEY)
    assert identifiers(store) == {
        ("county", "0001"): (one, "direct"),
        ("county", "0002"): (two, "direct"),
        ("county", "0009"): (one, "merged"),
    }


def test_a_pseudonym_of_another_domain_is_another_person(register, store):
    register("0001", domain="county")
    register("0001", domain="shire")
    found = identifiers(store)
    assert found["county", "0001"] != found["shire", "0001"]


def test_a_placeholder_is_nobody_even_where_the_register_lists_it(register, store):
    register("0001", "UNKNOWN")
    assert identifiers(store).keys() == {("county", "0001")}


@pytest.mark.parametrize("merger", [("INVALID", "0001"), ("0001", "INVALID")], ids=["superseded", "survivor"])
def test_a_merger_with_a_placeholder_is_void(register, store, merger):
    register("0001", "0002", mergers=[merger])
    assert identifiers(store).keys() == {("county", "0001"), ("county", "0002")}
    assert identifiers(store)["county", "0001"] == (person_id("county", "0001", KEY), "direct")


def test_another_key_gives_other_identifiers(register, store):
    register("0001")
    first = identifiers(store)
    assert not build_person_identifier(store, KEY).computed
    assert identifiers(store, KEY + "!") != first


def test_synthetic_people_may_be_hashed_under_the_demonstration_key(register, store):
    register("0001")
    assert len(identifiers(store, DEMONSTRATION_KEY)) == 1


@pytest.mark.parametrize("key", [DEMONSTRATION_KEY, "", "short"], ids=["demonstration", "empty", "short"])
def test_real_people_are_not_hashed_under_a_key_that_others_could_guess(register, store, key):
    register("0001", synthetic=False)
    with pytest.raises(LinkedCareError, match="2 deliveries are not synthetic") as refusal:
        build_person_identifier(store, key)
    assert "LINKED_CARE_PERSON_KEY" in str(refusal.value)
    assert store.current("person_identifier") is None


def test_real_people_are_hashed_under_a_secret(register, store):
    register("0001", synthetic=False)
    assert len(identifiers(store, KEY)) == 1


def test_two_people_with_one_identifier_stop_the_run_without_being_named(register, store, monkeypatch):
    register("0001", "0002")
    monkeypatch.setattr("assets.linkage.identity.person_id", lambda domain, pseudonym, key: 7)
    with pytest.raises(LinkedCareError, match="1 people share an identifier") as refusal:
        build_person_identifier(store, KEY)
    assert "000" not in str(refusal.value)
