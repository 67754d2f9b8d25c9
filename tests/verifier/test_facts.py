"""What an employer is shown, whom a badge belongs to, and who is known."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from app.verifier import known_issuers, wording
from app.verifier.errors import KnownIssuersUnreadable
from app.verifier.facts import domain_of
from app.verifier.holder import email_matches
from app.verifier.schemas import Facts, HolderFacts, Identifier
from tests.verifier.field import AT, DAY, EMAIL, SECRET_CLAIM, SITE, Stranger

ROOT = Path(__file__).resolve().parents[2]


def _facts(issuer: Stranger) -> Facts:
    facts = issuer.judge(issuer.secure(issuer.credential(), "di")).facts
    assert facts is not None
    return facts


def test_a_good_badge_tells_what_who_and_when(issuer: Stranger) -> None:
    facts = _facts(issuer)
    assert facts.achievement.name == SECRET_CLAIM
    assert facts.issuer.domain == "badges.example.au"
    assert facts.issuer.claimed_name == "Agency of Claims"
    assert (facts.valid_from, facts.valid_until) == (AT - 30 * DAY, AT + 365 * DAY)
    assert facts.status_list_at == AT - DAY
    (level,) = facts.levels
    assert (level.criterion, level.level, level.scale) == (
        "Seeing gates",
        "Sound",
        ("Not yet", "Partly", "Sound", "Strong"),
    )
    (alignment,) = facts.alignments
    assert (alignment.code, alignment.url) == ("E1", f"{SITE}/competencies/e1")


def test_links_that_are_not_web_addresses_are_left_out(issuer: Stranger) -> None:
    subject = issuer.credential()["credentialSubject"]
    subject["achievement"]["alignment"][0]["targetUrl"] = "javascript:alert(1)"
    facts = issuer.judge(issuer.secure(issuer.credential(credentialSubject=subject), "di")).facts
    assert facts is not None
    assert facts.alignments[0].url == ""


def test_a_narrative_without_end_is_shown_by_its_beginning(issuer: Stranger) -> None:
    subject = issuer.credential()["credentialSubject"]
    subject["achievement"]["criteria"]["narrative"] = '"' * 300_000
    facts = issuer.judge(issuer.secure(issuer.credential(credentialSubject=subject), "di")).facts
    assert facts is not None
    assert facts.achievement.criteria == '"' * 20_000 + " …"


def test_the_holder_is_recognised_by_the_e_mail_address_and_by_no_other(issuer: Stranger) -> None:
    holder = _facts(issuer).holder
    assert email_matches(holder, EMAIL)
    assert email_matches(holder, f"  {EMAIL.upper()} ")
    assert not email_matches(holder, "tess@agency.example.com")
    assert not email_matches(holder, "")


def _holder(subject_id: str | None = None, **identifiers: tuple[str, bool, str]) -> HolderFacts:
    found = tuple(
        Identifier(kind=kind.rstrip("_"), hashed=hashed, value=value, salt=salt)
        for kind, (value, hashed, salt) in identifiers.items()
    )
    return HolderFacts(subject_id, None, found)


def _hash(name: str, text: str) -> str:
    return f"{name}${hashlib.new(name, text.encode()).hexdigest()}"


@pytest.mark.parametrize(
    ("holder", "typed"),
    [
        (
            _holder(emailAddress=(_hash("sha256", "Tess@Agency.Example" + "pepper"), True, "pepper")),
            "Tess@Agency.Example",
        ),
        (_holder(emailAddress=(_hash("sha256", "tess@agency.example"), True, "")), "TESS@agency.example"),
        (_holder(emailAddress=(_hash("sha256", "Tess@agency.example"), True, "")), "Tess@Agency.Example"),
        (_holder(emailAddress=(_hash("md5", "tess@agency.example" + "s"), True, "s")), "tess@agency.example"),
        (_holder(emailAddress=(_hash("sha256", "tess@agency.example").upper().replace("SHA", "sha"), True, "")), EMAIL),
        (_holder(emailAddress=(" Tess@Agency.Example ", False, "")), "tess@agency.example"),
        (_holder("mailto:tess%40agency.example"), "Tess@agency.example"),
        (_holder("MAILTO:tess@agency.example", name=("Tess", False, "")), "tess@agency.example"),
        (
            _holder(
                emailAddress=(_hash("sha256", "old@agency.example"), True, ""),
                emailAddress_=(_hash("sha256", "tess@agency.example"), True, ""),
            ),
            "tess@agency.example",
        ),
    ],
)
def test_each_form_in_which_a_badge_names_an_address_is_recognised(holder: HolderFacts, typed: str) -> None:
    assert holder.has_email
    assert email_matches(holder, typed)
    assert not email_matches(holder, typed + "x")
    assert not email_matches(holder, "")


@pytest.mark.parametrize(
    "holder",
    [
        _holder("did:key:z6Mk"),
        _holder(name=(EMAIL, False, "")),
        _holder(emailAddress=(_hash("sha1", EMAIL), True, "")),
        _holder(emailAddress=(hashlib.sha256(EMAIL.encode()).hexdigest(), True, "")),
        _holder(emailAddress=(EMAIL, True, "")),
        _holder(emailAddress=("", False, "")),
    ],
)
def test_what_is_no_address_or_another_hash_matches_nobody(holder: HolderFacts) -> None:
    assert not email_matches(holder, EMAIL)
    assert not email_matches(holder, "")


def test_an_address_that_is_longer_than_any_is_not_hashed() -> None:
    long = "t" * 320 + "@agency.example"
    assert not email_matches(_holder(emailAddress=(_hash("sha256", long), True, "")), long)


def test_a_report_does_not_print_hashes_of_the_holder(issuer: Stranger) -> None:
    report = issuer.judge(issuer.secure(issuer.credential(), "di"))
    assert "sha256$" not in repr(report)


@pytest.mark.parametrize(
    ("issuer_id", "domain"),
    [
        ("did:web:a.example:issuers:x", "a.example"),
        ("did:web:localhost%3A8000:issuers:x", "localhost:8000"),
        ("https://a.example/issuers/1", "a.example"),
        ("did:key:z6Mk", None),
    ],
)
def test_the_domain_is_the_one_that_controls_the_keys(issuer_id: str, domain: str | None) -> None:
    assert domain_of(issuer_id) == domain


def test_a_register_is_read_from_the_data_folder(tmp_path: Path) -> None:
    assert known_issuers.load(tmp_path).get("did:web:a.example") is None
    (tmp_path / "known_issuers.toml").write_text(
        '[[issuer]]\nid = "did:web:a.example"\nname = "A"\nlisted_by = "the sector"\nlegal_name = "A Ltd"\n'
    )
    entry = known_issuers.load(tmp_path).get("did:web:a.example")
    assert entry is not None
    assert (entry.name, entry.legal_name, entry.ours) == ("A", "A Ltd", False)


@pytest.mark.parametrize(
    "text",
    [
        "not toml at all [",
        '[[issuer]]\nid = "did:web:a.example"\n',
        '[[issuer]]\nid = "x"\nname = "A"\nlisted_by = "us"\nours = true\n',
        '[[issuer]]\nid = "x"\nname = "A"\nlisted_by = "us"\nnote = "?"\n',
        '[[issuer]]\nid = "x"\nname = "A"\nlisted_by = "us"\n' * 2,
        'other = "x"\n',
    ],
)
def test_a_register_with_a_mistake_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(KnownIssuersUnreadable):
        known_issuers.parse(text)


def test_every_code_is_documented() -> None:
    text = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    assert [code for code in sorted(wording.codes()) if f"`{code}`" not in text] == []
