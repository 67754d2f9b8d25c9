"""Every kind of badge this house issues, and the list it points to, keep to our own schemas in their strict form."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.issuer.documents import own_document
from app.issuer.schemas import IssuedCredential
from app.vc import credential_schema, json_text
from app.vc.keys import base64url_decode

from .conftest import BASE, House
from .test_second_opinion import KINDS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_badge_keeps_to_the_schema_in_both_securings(
    house: House, kind: Callable[[House], IssuedCredential]
) -> None:
    issued = kind(house)
    payload = json_text.loads(base64url_decode(issued.jwt.split(".")[1]))
    for document in (json_text.loads(issued.document), payload):
        credential_schema.check(document, "badge", "arrays")


def test_the_status_list_keeps_to_the_schema(house: House) -> None:
    badge = json_text.loads(house.issue().document)
    published = own_document(house.database, house.secret_box, BASE, badge["credentialStatus"]["statusListCredential"])
    assert published is not None
    credential_schema.check(json_text.loads(published), "status-list", "arrays")
