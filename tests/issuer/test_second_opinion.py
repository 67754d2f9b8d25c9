"""Every kind of badge this house issues, before other people's verifier, the official schema and our own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import jsonschema_rs
import pytest
from openbadgeslib.errors import LibOpenBadgesException
from openbadgeslib.ob3.ldp import OB3LdpVerifier
from openbadgeslib.ob3.verifier import OB3Verifier

from app.core.audit import OPERATOR
from app.core.clock import now
from app.issuer import service
from app.issuer.documents import own_document
from app.issuer.schemas import IssuedCredential
from app.programme import service as programme
from app.programme import stacks
from app.programme.documents import pathway_with_digest
from app.programme.pathways import GroupRule, HeldRule
from app.vc import json_text
from app.verifier.errors import SourceUnavailable
from app.verifier.known_issuers import KnownIssuers
from app.verifier.schemas import KnownIssuer, Presented
from app.verifier.service import verify
from tests.vc.samples import REFERENCE_DATA

from .conftest import BASE, EMAIL, House

pytestmark = pytest.mark.slow

DID = "did:web:tool.localhost%3A8000:issuers:orygen"
SCHEMA = REFERENCE_DATA / "schemas/json-schema/ob_v3p0_achievementcredential_schema.json"
Download = Callable[[str], bytes]


def _plain(house: House) -> IssuedCredential:
    return house.issue()


def _identified(house: House) -> IssuedCredential:
    return house.issue(recipient_email=EMAIL)


def _reissued(house: House) -> IssuedCredential:
    first = house.issue()
    return service.reissue(house.database, house.secret_box, BASE, first.credential_id, recipient_email=EMAIL)


def _reissued_without_address(house: House) -> IssuedCredential:
    first = house.issue(recipient_email=EMAIL)
    return service.reissue(house.database, house.secret_box, BASE, first.credential_id, recipient_email=None)


def _endless_without_results(house: House) -> IssuedCredential:
    return house.issue(valid_until=None, results=())


def _practitioner(house: House) -> IssuedCredential:
    """The badge that stands on ten others, judged by the rubric of its conversation."""
    with house.database.read() as session:
        stack = programme.current_achievement(session, "practitioner")
    return house.issue(
        achievement_key=stack.key,
        achievement_version=stack.version,
        results=tuple((criterion.key, 3) for criterion in stack.rubric.criteria),
    )


def _stack_without_a_rubric(house: House) -> IssuedCredential:
    with house.database.write() as session:
        pathway = stacks.current_pathway(session, "practitioner")
        rule = GroupRule(2, (HeldRule("M01"), HeldRule("M02")))
        changed = pathway_with_digest(replace(pathway, version=pathway.version + 1, rule=rule))
        programme.store(session, replace(programme.current_programme(session), pathways=(changed,)))
    return house.issue(achievement_key=changed.key, achievement_version=changed.version, results=())


KINDS = (
    _plain,
    _identified,
    _reissued,
    _reissued_without_address,
    _endless_without_results,
    _practitioner,
    _stack_without_a_rubric,
)


@dataclass(frozen=True)
class OurDocuments:
    """The public documents of the house, as a verifier's source."""

    house: House

    def get(self, url: str, accept: str, *, timeout: float = 5.0) -> bytes:
        found = own_document(self.house.database, self.house.secret_box, BASE, url)
        if found is None:
            raise SourceUnavailable("missing")
        return found


def _ask_openbadgeslib(badge: bytes | str, form: str, download: Download) -> None:
    options = {"check_status": True, "download": download, "verify_status_list": False}
    if form == "embedded":
        OB3LdpVerifier.for_issuer_did(DID, download=download).verify(badge, **options)
    else:
        OB3Verifier.for_issuer_did(DID, download=download).verify(badge, **options)


def _our_verdict(house: House, badge: bytes | str) -> str:
    register = KnownIssuers([KnownIssuer(id=DID, name="Orygen", listed_by="the tests")])
    presented = Presented.from_bytes(badge.encode() if isinstance(badge, str) else badge)
    return verify(
        presented, source=OurDocuments(house), known_issuers=register, at=now(), allow_http_localhost=True
    ).verdict


def _secured(issued: IssuedCredential, form: str) -> bytes | str:
    return issued.document if form == "embedded" else issued.jwt


@pytest.mark.parametrize("form", ["embedded", "jwt"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_badge_is_accepted_there_and_here(
    house: House, download: Download, kind: Callable[[House], IssuedCredential], form: str
) -> None:
    badge = _secured(kind(house), form)
    _ask_openbadgeslib(badge, form, download)
    assert _our_verdict(house, badge) == "valid"


@pytest.mark.parametrize("form", ["embedded", "jwt"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_badge_is_refused_there_and_here_once_it_is_revoked(
    house: House, download: Download, kind: Callable[[House], IssuedCredential], form: str
) -> None:
    issued = kind(house)
    service.revoke(
        house.database, house.secret_box, BASE, credential_id=issued.credential_id, reason="a test", actor=OPERATOR
    )
    badge = _secured(issued, form)
    with pytest.raises(LibOpenBadgesException, match="is set at index"):
        _ask_openbadgeslib(badge, form, download)
    assert _our_verdict(house, badge) == "revoked"


@pytest.mark.parametrize("kind", KINDS)
def test_one_changed_character_is_refused_there_and_here(
    house: House, download: Download, kind: Callable[[House], IssuedCredential]
) -> None:
    changed = kind(house).document.replace(b'"awardedDate":"2', b'"awardedDate":"1')
    with pytest.raises(LibOpenBadgesException):
        _ask_openbadgeslib(changed, "embedded", download)
    assert _our_verdict(house, changed) == "invalid"


@pytest.mark.skipif(not SCHEMA.exists(), reason="the official 1EdTech schema is not in WAYMARK_TEST_DATA")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_badge_satisfies_the_official_schema(
    house: House, kind: Callable[[House], IssuedCredential]
) -> None:
    validator = jsonschema_rs.validator_for(json_text.loads(SCHEMA.read_bytes()))
    assert [error.message for error in validator.iter_errors(json_text.loads(kind(house).document))] == []
