"""A badge that names the official schema is judged by ours in its place; no schema comes from the network."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.vc import credential_schema, json_text
from app.vc.open_badges import digest_multibase
from app.verifier import form
from app.verifier.reading import Readable
from app.verifier.service import Verifier
from app.verifier.wording import Stopped
from tests.vc import schema_examples
from tests.vc.samples import BASE, CREATED, DID, REFERENCE_DATA
from tests.verifier.field import SITE, Stranger, outcome

OFFICIAL = "https://purl.imsglobal.org/spec/ob/v3p0/schema"
BADGE_SCHEMA = f"{OFFICIAL}/json/ob_v3p0_achievementcredential_schema.json"
SAMPLES = REFERENCE_DATA / "ob3-samples"
# What no rule of the verifier's own asks for, and the schema does.
BREACH: dict[str, Any] = {"image": f"{SITE}/picture.png"}
SECURINGS = ("di", "jwt")


def _named(url: str, kind: str = "1EdTechJsonSchemaValidator2019") -> dict[str, str]:
    return {"id": url, "type": kind}


@pytest.mark.parametrize("securing", SECURINGS)
@pytest.mark.parametrize(
    "schema",
    [
        _named(BADGE_SCHEMA),
        _named(f"{OFFICIAL}/json-ld/ob_v3p0_achievementcredential_schema.json"),
        _named(BADGE_SCHEMA, "JsonSchema"),
    ],
)
def test_a_badge_that_breaks_the_schema_it_names_is_invalid(
    issuer: Stranger, securing: str, schema: dict[str, str]
) -> None:
    report = issuer.judge(issuer.secure(issuer.credential(credentialSchema=[schema], **BREACH), securing))
    assert outcome(report) == ("invalid", "schema_invalid")
    check = report.check("form")
    assert check is not None
    assert check.detail == "It breaks the schema that it names: image must be an object."
    assert not [url for url in issuer.web.asked if "imsglobal" in url]


@pytest.mark.parametrize("securing", SECURINGS)
def test_a_badge_that_names_no_schema_is_not_judged_by_one(issuer: Stranger, securing: str) -> None:
    report = issuer.judge(issuer.secure(issuer.credential(credentialSchema=None, **BREACH), securing))
    assert report.verdict == "valid"


@pytest.mark.parametrize("kind", ["1EdTechJsonSchemaValidator2019", "JsonSchema"])
@pytest.mark.parametrize(
    "url", ["https://example.com/own.json", BADGE_SCHEMA.replace("3p0", "9p9"), f"{BADGE_SCHEMA}x"]
)
def test_a_schema_that_we_do_not_have_leaves_the_question_open_and_is_not_fetched(
    issuer: Stranger, url: str, kind: str
) -> None:
    report = issuer.judge(issuer.secure(issuer.credential(credentialSchema=[_named(url, kind)]), "di"))
    assert outcome(report) == ("unknown", "schema_unsupported")
    assert url not in issuer.web.asked


def test_a_breach_of_a_schema_outweighs_one_that_we_do_not_have(issuer: Stranger) -> None:
    schemas = [_named("https://example.com/own.json"), _named(BADGE_SCHEMA)]
    report = issuer.judge(issuer.secure(issuer.credential(credentialSchema=schemas, **BREACH), "di"))
    assert outcome(report) == ("invalid", "schema_invalid")


def test_a_badge_that_names_the_schema_of_endorsements_breaks_it(issuer: Stranger) -> None:
    schema = _named(f"{OFFICIAL}/json/ob_v3p0_endorsementcredential_schema.json")
    report = issuer.judge(issuer.secure(issuer.credential(credentialSchema=[schema]), "di"))
    assert outcome(report) == ("invalid", "schema_invalid")


def test_another_kind_of_schema_is_no_concern_of_ours(issuer: Stranger) -> None:
    schemas = [_named(BADGE_SCHEMA), _named("https://example.com/shapes", "ShaclShapes2030")]
    document = issuer.credential(credentialSchema=schemas)
    assert _form_of(document) is None


@pytest.mark.parametrize("url", [BADGE_SCHEMA, BADGE_SCHEMA.replace("/json/", "/json-ld/")])
def test_shorthand_breaks_neither_of_the_official_forms(issuer: Stranger, url: str) -> None:
    document = issuer.credential(credentialSchema=_named(url))
    document["issuer"]["type"] = "Profile"
    signed = issuer.sign(document)
    badge = json_text.dumps(signed | {"proof": signed["proof"][0]})
    assert issuer.judge(badge).verdict == "valid"


def test_the_reason_never_repeats_what_the_badge_says(issuer: Stranger) -> None:
    document = issuer.credential(image={"id": SITE, "type": "Image", "ZEBRA": "ZEBRA"})
    assert "ZEBRA" not in repr(issuer.judge(issuer.secure(document, "jwt")))


def test_a_verifier_without_schemas_does_not_start(
    issuer: Stranger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    load = credential_schema.load
    monkeypatch.setattr(credential_schema, "load", lambda: load(tmp_path))
    with pytest.raises(RuntimeError, match="cannot be read"):
        Verifier(source=issuer.web, known_issuers=issuer.known)


def _form_of(document: dict[str, Any]) -> str | None:
    """The code that the check of the form ends with, None where it passes."""
    try:
        form.check(Readable("json", "data-integrity", document, None))
    except Stopped as stop:
        return stop.code
    return None


def _manifest(expected: str, *, because: str = "") -> dict[str, str | None]:
    """The samples of badges in JSON with that verdict, and how the check of the form ends for each."""
    lines = (SAMPLES / "MANIFEST.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    names = [row[0] for row in rows if row[1] == expected and row[2].startswith(because)]
    badges = [name for name in names if name.endswith(".json") and "clr20" not in name and name not in NO_BADGE]
    return {name: _form_of(json.loads((SAMPLES / name).read_bytes())) for name in badges}


NO_BADGE = {"valid/endorsement-valid.json", "valid/bitstring-testlist.json"}
needs_samples = pytest.mark.skipif(
    not SAMPLES.exists(), reason="the 1EdTech sample badges are not in WAYMARK_TEST_DATA"
)


@needs_samples
def test_every_valid_sample_has_the_right_form() -> None:
    found = _manifest("VALID")
    assert len(found) >= 5
    assert set(found.values()) == {None}


@needs_samples
@pytest.mark.parametrize("probe", ["JsonSchemaProbe:", "IssuerProbe:", "CredentialSubjectProbe:", "EvidenceProbe:"])
def test_every_sample_with_a_wrong_part_has_the_wrong_form(probe: str) -> None:
    assert set(_manifest("INVALID", because=probe).values()) == {"schema_invalid"}


@pytest.mark.parametrize("name", ["basic-badge", "advanced-badge"])
def test_the_published_examples_verify(name: str) -> None:
    site = Stranger(name=DID)
    site.web.pages = {
        f"{BASE}/issuers/ips/did.json": (schema_examples.FOLDER / "issuer.did.json").read_bytes(),
        schema_examples.STATUS_URL: (schema_examples.FOLDER / "status-list.signed.json").read_bytes(),
    }
    badge = (schema_examples.FOLDER / f"{name}.signed.json").read_bytes()
    report = site.judge(badge, at=CREATED + timedelta(days=1))
    assert report.verdict == "valid", report.checks


def test_the_published_advanced_badge_names_the_very_bytes_of_the_basic_one() -> None:
    basic = (schema_examples.FOLDER / "basic-badge.signed.json").read_bytes()
    advanced = json.loads((schema_examples.FOLDER / "advanced-badge.json").read_bytes())
    assert advanced["relatedResource"][0]["digestMultibase"] == digest_multibase(basic)
