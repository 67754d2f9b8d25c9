"""An issuer that could be taken for a known one is said to be another; unrelated ones are left alone."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.verifier.known_issuers import KnownIssuers
from app.verifier.look_alikes import LookAlikes, letters_note, letters_of, skeleton
from app.verifier.schemas import KnownIssuer, Presented
from app.verifier.service import verify
from tests.verifier.field import AT, Stranger, outcome

ORYGEN = KnownIssuer("did:web:orygen.org.au:issuers:orygen", "Orygen", "the tests", legal_name="Orygen Pty Ltd")
HEADSPACE = KnownIssuer("https://www.headspace.org.au/issuer", "headspace", "the tests")
TRAINING = KnownIssuer("did:web:badges.training.com.au", "National Training", "the tests")
ACT = KnownIssuer("did:web:act.gov.au", "ACT", "the tests")
KEY = KnownIssuer("did:key:z6Mkknown", "A Known Key", "the tests")
NUMBERS = KnownIssuer("did:web:192.0.2.7", "Numbers", "the tests")
KNOWN = LookAlikes([ORYGEN, HEADSPACE, TRAINING, ACT, KEY, NUMBERS])


def _web(host: str) -> str:
    """The did:web name of a host, in the letters that a certificate would carry."""
    return "did:web:" + host.encode("idna").decode()


@pytest.mark.parametrize(
    ("issuer_id", "known", "words"),
    [
        (_web("оrygen.org.au"), ORYGEN, "only looks like orygen.org.au"),  # a Cyrillic o
        (_web("οrygen.org.au"), ORYGEN, "only looks like orygen.org.au"),  # a Greek omicron
        (_web("órygen.org.au"), ORYGEN, "only looks like orygen.org.au"),
        ("did:web:0rygen.org.au", ORYGEN, "only looks like orygen.org.au"),
        (_web("һеаdѕрасе.org.au"), HEADSPACE, "only looks like headspace.org.au"),
        ("did:web:headsqace.org.au", HEADSPACE, "spelled much like headspace.org.au"),
        ("did:web:origen.org.au:issuers:orygen", ORYGEN, "only stands behind its address"),
        ("did:web:orygne.org.au", ORYGEN, "spelled much like orygen.org.au"),
        ("did:web:orygenn.org.au", ORYGEN, "spelled much like orygen.org.au"),
        ("did:web:badges.orygen.com", ORYGEN, "spelled much like orygen.org.au"),
        ("did:web:orygen.org.au.example.com", ORYGEN, "belongs to whoever owns example.com"),
        ("https://orygen.org.au.badges.example.net/issuer", ORYGEN, "belongs to whoever owns example.net"),
        ("did:web:0rygen.org.au.example.com", ORYGEN, "belongs to whoever owns example.com"),
        ("did:web:orygen.example.com", ORYGEN, "belongs to whoever owns example.com"),
        ("did:web:orygen-badges.com", ORYGEN, "belongs to whoever owns orygen-badges.com"),
        ("did:web:example.com:orygen.org.au", ORYGEN, "whoever owns example.com can write it there"),
        ("https://example.com/orygen.org.au/issuer", ORYGEN, "whoever owns example.com can write it there"),
        ("did:web:example.com%3A8443:issuers:orygen", ORYGEN, "whoever owns example.com can write it there"),
        ("did:web:badges.trainlng.com.au", None, ""),  # a common word is compared by its look only
        ("did:web:badges.tra1ning.com.au", None, ""),
        (_web("badges.trаining.com.au"), TRAINING, "other characters"),
    ],
)
def test_an_address_like_a_known_one_is_said_to_be_another(
    issuer_id: str, known: KnownIssuer | None, words: str
) -> None:
    found = KNOWN.find(issuer_id, None)
    assert (found.issuer if found else None) == known
    if known is not None:
        assert found is not None
        assert f"This is not {known.name} (" in found.detail
        assert words in found.detail


def test_letters_of_other_alphabets_are_shown_as_written_and_as_they_look() -> None:
    found = KNOWN.find("did:web:xn--rygen-iye.org.au", None)
    assert found is not None
    assert "xn--rygen-iye.org.au (in letters: оrygen.org.au)" in found.detail


def test_such_letters_are_shown_also_where_nobody_is_imitated() -> None:
    assert KNOWN.find(_web("bücher.example"), None) is None
    note = letters_note(_web("bücher.example"))
    assert note is not None
    assert "xn--bcher-kva.example" in note
    assert "bücher.example" in note
    assert letters_note("did:web:books.example") is None
    assert letters_note("did:key:z6Mk") is None


@pytest.mark.parametrize(
    "host",
    ["xn--a", "xn--" + "9" * 59, "xn--\x00", "xn--" + "a" * 5000, "xn--ls8h.example", "xn--zz--zzzzzz9", "xn--"],
)
def test_what_is_no_writable_name_is_shown_as_it_is(host: str) -> None:
    letters = letters_of(host)
    assert letters is None or all(letter.isalnum() or letter in ".-" for letter in letters)


def test_signs_that_turn_or_hide_letters_are_never_shown() -> None:
    for sign in ("\u202e", "\u200b", "\u2066", "\u00ad", "/", "\u2044"):
        host = "xn--" + f"ab{sign}cd".encode("punycode").decode("ascii") + ".example"
        assert letters_of(host) is None


@pytest.mark.parametrize(
    ("issuer_id", "name", "known"),
    [
        ("did:key:z6Mkother", "Orygen", ORYGEN),
        ("did:key:z6Mkother", "  ORYGEN PTY. LTD. ", ORYGEN),
        ("did:key:z6Mkother", "Оrуgеn", ORYGEN),
        ("did:key:z6Mkother", "Ory\u200bgen", ORYGEN),
        ("did:web:badges.example.com", "Head Space", HEADSPACE),
        ("did:web:orygen.org.au:issuers:other", "Orygen", ORYGEN),
        ("did:key:z6Mkother", "A known key", KEY),
        ("did:key:z6Mkother", "Origin", None),
        ("did:key:z6Mkother", "Orygen Fan Club", None),
        ("did:key:z6Mkother", "", None),
        ("did:key:z6Mkother", "—!", None),
    ],
)
def test_who_calls_itself_by_a_known_name_is_said_to_be_another(
    issuer_id: str, name: str, known: KnownIssuer | None
) -> None:
    found = KNOWN.find(issuer_id, name)
    assert (found.issuer if found else None) == known
    if found is not None:
        assert "It calls itself by that name" in found.detail


UNRELATED = (
    "did:web:ox.ac.uk", "did:web:oxygen.com", "did:web:origin.com", "did:web:organ.net", "did:web:oregon.gov",
    "did:web:acu.edu.au", "did:web:ato.gov.au", "did:web:abc.net.au", "did:web:art.gov.au", "did:web:cat.com",
    "did:web:headstart.org.au", "did:web:space.com", "did:web:training.tafensw.edu.au", "did:web:trainings.com",
    "did:web:learning.monash.edu", "did:web:badges.monash.edu:training", "https://badges.example.org/national/issuer",
    "did:web:192.0.2.8", "did:web:192.0.2.7%3A8000:issuers:orygen", "did:web:localhost%3A8000", "did:web:a", "did:web:",
    "did:key:z6Mkother", "did:jwk:eyJ", "urn:uuid:0", "https://", "https://[::1]/x", "https://[nonsense/x", "", "x",
    "did:web:orygen.org.au:issuers:another", "did:web:orygen.org.au", "did:web:badges.orygen.org.au",
    "https://orygen.org.au/issuer", "did:web:xn--mnchen-3ya.de", "did:web:a.b.c.d.e.f.g", "did:web:org.au",
    "did:web:www.gov.au", "did:web:example.com:org:au",
)  # fmt: skip


@pytest.mark.parametrize("issuer_id", UNRELATED)
def test_an_unrelated_address_raises_no_alarm(issuer_id: str) -> None:
    assert KNOWN.find(issuer_id, "Somebody Else") is None


LABELS = st.text(string.ascii_lowercase, min_size=1, max_size=4)


@given(label=LABELS, ending=st.sampled_from(["com", "org.au", "gov.au", "edu", "de"]))
def test_short_names_raise_no_alarm_by_their_spelling(label: str, ending: str) -> None:
    known = LookAlikes([KnownIssuer(f"did:web:{name}.{ending}", name, "x") for name in ("act", "ips", "tafe", "rmit")])
    stranger = f"{label}.{ending}"
    looks = {skeleton(f"{name}.{ending}") for name in ("act", "ips", "tafe", "rmit")}
    if skeleton(stranger) not in looks:
        assert known.find(f"did:web:{stranger}", None) is None


WORDS = st.sampled_from(
    ["river", "stone", "garden", "willow", "harbour", "copper", "meadow", "lantern", "orchard", "thistle", "magpie"]
)


@given(known=st.tuples(WORDS, WORDS), other=st.tuples(WORDS, WORDS))
def test_names_of_other_words_raise_no_alarm(known: tuple[str, str], other: tuple[str, str]) -> None:
    register = LookAlikes([KnownIssuer(f"did:web:{''.join(known)}.org.au", "A", "x")])
    found = register.find(f"did:web:{''.join(other)}.org.au", "B")
    assert found is None or known == other[::-1] == known[::-1] or "".join(known) == "".join(other)


LIKENESS = {"o": "о", "a": "а", "e": "е", "p": "р", "c": "с", "i": "і", "s": "ѕ", "x": "х", "y": "у"}


@settings(max_examples=200)
@given(word=st.text(string.ascii_lowercase, min_size=5, max_size=15), data=st.data())
def test_any_letter_exchanged_for_its_likeness_is_seen(word: str, data: st.DataObject) -> None:
    places = [place for place, letter in enumerate(word) if letter in LIKENESS]
    if not places:
        return
    place = data.draw(st.sampled_from(places))
    forged = word[:place] + LIKENESS[word[place]] + word[place + 1 :]
    label = "xn--" + forged.encode("punycode").decode("ascii")
    register = LookAlikes([KnownIssuer(f"did:web:{word}.org.au", "A", "x")])
    found = register.find(f"did:web:{label}.org.au", None)
    assert found is not None
    assert "other characters" in found.detail


@settings(max_examples=300)
@given(
    issuer_id=st.text(max_size=120) | st.text("did:web.xn-/%3A[]@", max_size=60), name=st.none() | st.text(max_size=80)
)
def test_nothing_that_a_badge_can_say_breaks_the_comparison(issuer_id: str, name: str | None) -> None:
    for text in (issuer_id, "did:web:" + issuer_id, "https://" + issuer_id):
        KNOWN.find(text, name)
        letters_note(text)


def test_a_look_alike_stays_amber_and_is_said_in_the_report(issuer: Stranger) -> None:
    known = KnownIssuer("did:web:badges.exampel-agency.org.au", "Exampel Agency", "the tests")
    impostor = issuer.neighbour("did:web:badges.example-agency.org.au")
    impostor.publish_list()
    badge = Presented.from_bytes(impostor.secure(impostor.credential(), "di"))
    report = verify(badge, source=impostor.web, known_issuers=KnownIssuers([known]), at=AT)
    assert outcome(report) == ("valid_unknown_issuer", "issuer_look_alike")
    told = json.loads(json.dumps(report.as_dict()))
    check = next(check for check in told["checks"] if check["name"] == "issuer_known")
    assert check["result"] == "unknown"
    assert "This is not Exampel Agency (badges.exampel-agency.org.au)" in check["detail"]
    assert "Agency of Claims" not in check["detail"]


def test_nothing_is_compared_before_the_signature_holds(issuer: Stranger) -> None:
    register = KnownIssuers([KnownIssuer("did:web:badge.example.au", "Agency of Claims", "the tests")])
    badge = json.loads(issuer.secure(issuer.credential(), "di"))
    badge["name"] += "!"
    report = verify(Presented.from_bytes(json.dumps(badge).encode()), source=issuer.web, known_issuers=register, at=AT)
    assert "issuer_look_alike" not in {check.code for check in report.checks}


def test_one_who_is_known_is_like_nobody(issuer: Stranger) -> None:
    twin = KnownIssuer("did:web:badges.exampel.au", "Agency of Claims", "the tests")
    badge = Presented.from_bytes(issuer.secure(issuer.credential(), "di"))
    register = issuer.known.with_entries([twin])
    assert verify(badge, source=issuer.web, known_issuers=register, at=AT).verdict == "valid"
