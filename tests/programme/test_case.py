"""CASE identifiers are fixed for good, and the documents hold what CASE 1.1 requires."""

from __future__ import annotations

import uuid

import pytest

from app.programme import case
from app.programme.frameworks import Programme
from app.programme.schemas import CaseKind

BASE = "https://badges.example.org"

# Badges carry these addresses: a change here breaks every badge ever issued.
GOLDEN: dict[tuple[CaseKind, str], str] = {
    ("domain", "IPSV-A"): "f0dc5319-5b9e-5c6e-a84e-94b724548f27",
    ("competency", "IPSV-A1"): "bde3c6ea-46e5-50bb-b741-c3b77dc4f873",
    ("competency", "IPSV-H7"): "222342ba-1ca4-5c15-a92c-7d302977482f",
    ("fidelity_item", "FI-09"): "ffe5d896-7e72-543a-b014-48d4c6aef550",
    ("principle", "P1"): "c2f7c526-4f26-59ea-8e99-ac5ed95c9036",
    ("practice_element", "Y1"): "35473b9d-5a64-559d-923e-07848ffc5e57",
}


@pytest.mark.parametrize(("key", "expected"), GOLDEN.items(), ids=lambda value: str(value))
def test_identifiers_never_change(key: tuple[CaseKind, str], expected: str) -> None:
    assert str(case.cf_item_uuid(*key)) == expected
    assert case.cf_item_path(*key) == f"/ims/case/v1p1/CFItems/{expected}"


def test_the_namespace_and_the_document_never_change() -> None:
    assert str(case.NAMESPACE) == "0cb51805-ecc8-5c4b-9411-32d7ae7a8ec0"
    assert str(case.cf_document_uuid("ips")) == "4560061c-f4f1-526b-a305-dd62f6936699"


def test_every_item_has_an_identifier_of_its_own(ips: Programme) -> None:
    items = list(case.case_items(ips))
    assert len({item.uuid for item in items}) == len(items) == 8 + 35 + 25 + 8 + 7
    assert {item.uuid.version for item in items} == {5}


def test_an_item_holds_what_case_requires(ips: Programme) -> None:
    for item in case.case_items(ips):
        document = case.cf_item(ips, item, BASE)
        assert {"identifier", "fullStatement", "uri", "lastChangeDateTime", "CFDocumentURI"} <= document.keys()
        assert document["uri"] == f"{BASE}/ims/case/v1p1/CFItems/{document['identifier']}"
        assert str(uuid.UUID(document["identifier"])) == document["identifier"]
        assert document["lastChangeDateTime"].endswith("T00:00:00Z")
        assert all(document.values())


def test_a_competency_reads_as_a_sentence(ips: Programme) -> None:
    item = case.find_item(ips, str(case.cf_item_uuid("competency", "IPSV-A2")))
    assert item is not None
    document = case.cf_item(ips, item, BASE)
    assert document["fullStatement"] == (
        "The specialist can take every young person who wants work or study, spot informal gatekeeping and act on it."
    )
    assert document["humanCodingScheme"] == "IPSV-A2"
    assert document["CFItemType"] == "Competency"


def test_the_document_holds_what_case_requires(ips: Programme) -> None:
    document = case.cf_document(ips, BASE)
    required = {"identifier", "uri", "creator", "title", "lastChangeDateTime", "CFPackageURI"}
    assert required <= document.keys()
    assert document["caseVersion"] == "1.1"
    assert document["CFPackageURI"]["uri"].startswith(f"{BASE}/ims/case/v1p1/CFPackages/")


def test_every_association_of_the_package_joins_items_of_the_package(ips: Programme) -> None:
    package = case.cf_package(ips, BASE)
    known = {item["identifier"] for item in package["CFItems"]}
    associations = package["CFAssociations"]
    assert {a["associationType"] for a in associations} == {"isChildOf", "isRelatedTo"}
    assert sum(a["associationType"] == "isChildOf" for a in associations) == 35
    assert len({a["identifier"] for a in associations}) == len(associations)
    for association in associations:
        ends = {association["originNodeURI"]["identifier"], association["destinationNodeURI"]["identifier"]}
        assert len(ends) == 2
        assert ends <= known


def test_an_unknown_identifier_is_nothing(ips: Programme) -> None:
    assert case.find_item(ips, str(uuid.uuid4())) is None
