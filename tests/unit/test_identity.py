"""Which person a pseudonym stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.feeds.current import build_feed
from assets.feeds.withdrawn import build_withdrawn_identifier
from assets.linkage.identity import DEMONSTRATION_KEY, build_identifier_link, build_person_identifier, person_id
from assets.reference import build_reference
from pipelines.errors import LinkedCareError
from schemas.contract import contracts
from schemas.identifiers import DUMMY_PSEUDONYM
from tests.accounts import build_accounts

KEY = "a secret of at least sixteen characters"


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

    def build(*pseudonyms: str, mergers=(), bridges=(), domain="county", synthetic=True) -> None:
        feeds = {name: contracts()[name] for name in ("patient_register", "person_merger", "person_bridge")}
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
            plain=dict.fromkeys(merger.values(), "") | {merger["merged_on"]: "2024-04-02"},
            supplier=domain,
            pseudonym_domain=domain,
            synthetic=synthetic,
        )
        bridge = {column.name: column.header for column in feeds["person_bridge"].columns}
        deliver(
            f"bridge-{domain}",
            *(
                {bridge["bridged_domain"]: other, bridge["bridged_pseudonym"]: old, bridge["pseudonym"]: new}
                for other, old, new in bridges
            ),
            feed="person_bridge",
            plain=dict.fromkeys(bridge.values(), "") | {bridge["bridged_from"]: "2024-05-01"},
            supplier=domain,
            pseudonym_domain=domain,
            synthetic=synthetic,
        )
        for contract in feeds.values():
            build_feed(home.store, home.landing, contract)
        build_accounts(home.store, feeds)
        assert home.store.frame("delivery_receipt")["rejected_rows"].sum() == 0
        build_reference(home.store, DUMMY_PSEUDONYM)
        build_feed(home.store, home.landing, contracts()["person_withdrawal"])
        build_withdrawn_identifier(home.store)

    return build


def identifiers(store, key=KEY):
    build_identifier_link(store)
    build_person_identifier(store, key)
    rows = store.frame("person_identifier").select("pseudonym_domain", "pseudonym", "person_id", "how").rows()
    return {(domain, pseudonym): (person, how) for domain, pseudonym, person, how in rows}


def test_registered_and_merged_pseudonyms_stand_for_people(register, store):
    register("0001", "0002", mergers=[("0009", "0001"), ("0008", "0007")])
    one, two = person_id("county", "0001", KEY), person_id("county", "0002", KEY)
    assert identifiers(store) == {
        ("county", "0001"): (one, "direct"),
        ("county", "0002"): (two, "direct"),
        ("county", "0009"): (one, "merged"),
    }


def test_how_and_since_when_an_identifier_is_known_and_over_how_many_links(register, store):
    register("0001", mergers=[("0009", "0001")], bridges=[("council_905", "0700", "0009"), ("csds", "0701", "0001")])
    build_identifier_link(store)
    build_person_identifier(store, KEY)
    found = store.frame("person_identifier").drop("person_id").rows()
    assert [(*row[:3], f"{row[3]}", row[4]) for row in found] == [
        ("council_905", "0700", "merged_and_bridged", "2024-05-01", 2),
        ("county", "0001", "direct", "2020-01-01", 0),
        ("county", "0009", "merged", "2024-04-02", 1),
        ("csds", "0701", "bridged", "2024-05-01", 1),
    ]
    assert set(store.frame("person_identifier")["person_id"]) == {person_id("county", "0001", KEY)}


def test_a_bridge_to_a_stranger_or_of_a_placeholder_leads_to_nobody(register, store):
    register("0001", bridges=[("csds", "0700", "0002"), ("csds", "UNKNOWN", "0001"), ("csds", "0701", "INVALID")])
    assert identifiers(store).keys() == {("county", "0001")}


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
    build_identifier_link(store)
    with pytest.raises(LinkedCareError, match="3 deliveries are not synthetic") as refusal:
        build_person_identifier(store, key)
    assert "LINKED_CARE_PERSON_KEY" in str(refusal.value)
    assert store.current("person_identifier") is None


def test_real_people_are_hashed_under_a_secret(register, store):
    register("0001", synthetic=False)
    assert len(identifiers(store, KEY)) == 1


def test_two_people_with_one_identifier_stop_the_run_without_being_named(register, store, monkeypatch):
    register("0001", "0002")
    monkeypatch.setattr("assets.linkage.identity.person_id", lambda domain, pseudonym, key: 7)
    build_identifier_link(store)
    with pytest.raises(LinkedCareError, match="1 people share an identifier") as refusal:
        build_person_identifier(store, KEY)
    assert "000" not in str(refusal.value)
