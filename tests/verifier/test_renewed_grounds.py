"""A badge names another in the version it was awarded for. Whether that was renewed since, its issuer is asked."""

from __future__ import annotations

from typing import Any

from app.vc import status_list
from app.vc.timestamps import rfc3339
from app.verifier.schemas import ChainLink
from tests.verifier.field import AT, DAY, LIST_URL, SITE, Stranger, outcome

BASIC = f"{SITE}/credentials/basic-1/v1.json"
SERVICE = f"{SITE}/refresh/basic-1"
OFFER = {"id": SERVICE, "type": "1EdTechCredentialRefresh"}


def _basic(issuer: Stranger, **changes: Any) -> bytes:
    members = {"id": f"{SITE}/credentials/basic-1", "credentialStatus": status_list.entry(LIST_URL, 99), **changes}
    return issuer.secure(issuer.credential(refreshService=OFFER, **members), "di")


def _link(issuer: Stranger, **changes: Any) -> ChainLink:
    """The one link of a badge that rests on a basic one, which ended yesterday."""
    ended = _basic(issuer, validUntil=rfc3339(AT - DAY), **changes)
    grounds = [issuer.publish_badge(BASIC, ended)]
    report = issuer.judge(issuer.secure(issuer.credential(relatedResource=grounds), "di"))
    assert outcome(report) == ("valid", None), "the badge's own verdict is its own"
    (link,) = report.chain
    return link


def test_one_that_was_renewed_stands(issuer: Stranger) -> None:
    issuer.web.pages[SERVICE] = _basic(issuer, validFrom=rfc3339(AT - DAY), awardedDate=None)
    link = _link(issuer)
    assert (link.url, link.result, link.verdict) == (BASIC, "pass", "valid")
    assert "has been renewed since" in link.detail


def test_one_that_was_renewed_and_revoked_does_not(issuer: Stranger) -> None:
    issuer.publish_list((99,))
    issuer.web.pages[SERVICE] = _basic(issuer, validFrom=rfc3339(AT - DAY), awardedDate=None)
    assert _link(issuer).result == "fail"


def test_where_no_newer_copy_of_the_same_badge_is_to_be_had_it_has_expired(issuer: Stranger) -> None:
    assert (_link(issuer).result, _link(issuer).verdict) == ("fail", "expired")
    other = issuer.credential(id=f"{SITE}/credentials/basic-2", validFrom=rfc3339(AT - DAY), awardedDate=None)
    issuer.web.pages[SERVICE] = issuer.secure(other, "di")
    assert (_link(issuer).result, _link(issuer).verdict) == ("fail", "expired")


def test_one_that_is_in_date_is_not_asked_about(issuer: Stranger) -> None:
    named = issuer.publish_badge(BASIC, _basic(issuer))
    issuer.judge(issuer.secure(issuer.credential(relatedResource=[named]), "di"))
    assert SERVICE not in issuer.web.asked
