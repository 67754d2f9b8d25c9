"""The catalogue as CASE 1.1 documents (https://www.imsglobal.org/spec/case/v1p1).

Identifiers are computed, never drawn: UUIDv5 of kind and id in a namespace fixed for good. Badges point at these
addresses for decades, so neither the namespace nor the way a name is built may ever change.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from app.core.clock import rfc3339
from app.programme.frameworks import Programme
from app.programme.schemas import CaseKind

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:waymark:case")
ITEM_PATH = "/ims/case/v1p1/CFItems/"
DOCUMENT_PATH = "/ims/case/v1p1/CFDocuments/"
PACKAGE_PATH = "/ims/case/v1p1/CFPackages/"

TYPE_NAMES: dict[CaseKind, str] = {
    "domain": "Domain",
    "competency": "Competency",
    "fidelity_item": "Fidelity item",
    "principle": "Principle",
    "practice_element": "Practice element",
}


@dataclass(frozen=True)
class CaseItem:
    """One item of the catalogue, whatever its kind.

    Attributes:
        statement: the full statement, a sentence or an item's name.
        parent: kind and id of the item it belongs to, if any.
        related: kinds and ids of items it is related to.
        framework: title of the framework, scale or list it comes from.
    """

    kind: CaseKind
    id: str
    name: str
    statement: str
    framework: str
    last_changed: date
    language: str
    parent: tuple[CaseKind, str] | None = None
    related: tuple[tuple[CaseKind, str], ...] = ()

    @property
    def uuid(self) -> uuid.UUID:
        """Its CASE identifier."""
        return cf_item_uuid(self.kind, self.id)

    @property
    def path(self) -> str:
        """Its address on this server."""
        return cf_item_path(self.kind, self.id)


def cf_item_uuid(kind: CaseKind, item_id: str) -> uuid.UUID:
    """The CASE identifier of an item.

    Args:
        kind: what sort of item.
        item_id: its id in the programme's files, e.g. `IPSV-A1`, `FI-09`, `P2`.
    """
    return uuid.uuid5(NAMESPACE, f"{kind}:{item_id}")


def cf_item_path(kind: CaseKind, item_id: str) -> str:
    """Where an item is served, from the root of this server."""
    return f"{ITEM_PATH}{cf_item_uuid(kind, item_id)}"


def cf_document_uuid(programme_key: str) -> uuid.UUID:
    """The CASE identifier of a programme's one document; the same for all its versions."""
    return uuid.uuid5(NAMESPACE, f"document:{programme_key}")


def case_items(programme: Programme) -> Iterator[CaseItem]:
    """Every item of a programme: domains before their competencies, scales in order, principles, practice elements."""
    language = programme.language
    for framework in programme.frameworks:
        for domain in framework.domains:
            parent: tuple[CaseKind, str] = ("domain", domain.id)
            yield CaseItem(
                "domain", domain.id, domain.name, domain.name, framework.title, framework.last_changed, language
            )
            for competency in domain.competencies:
                yield CaseItem(
                    "competency",
                    competency.id,
                    competency.name,
                    f"The specialist can {competency.statement}.",
                    framework.title,
                    framework.last_changed,
                    language,
                    parent=parent,
                    related=_related(competency.fidelity_items, competency.principles),
                )
    for scale in programme.scales:
        for section in scale.sections:
            for item in section.items:
                yield CaseItem(
                    "fidelity_item", item.id, item.name, item.name, scale.title, scale.last_changed, scale.locale
                )
    for principle in programme.principles:
        yield CaseItem(
            "principle",
            principle.id,
            principle.name,
            principle.statement,
            f"{programme.title}: principles",
            programme.last_changed,
            language,
            related=_related(principle.fidelity_items, ()),
        )
    for element in programme.practice_elements:
        yield CaseItem(
            "practice_element",
            element.id,
            element.name,
            element.statement,
            f"{programme.title}: youth practice elements",
            programme.last_changed,
            language,
        )


def find_item(programme: Programme, identifier: str) -> CaseItem | None:
    """The item with this CASE identifier, if the programme has it."""
    return next((item for item in case_items(programme) if str(item.uuid) == identifier), None)


def cf_item(programme: Programme, item: CaseItem, base_url: str) -> dict[str, Any]:
    """An item as a CFItem.

    Args:
        programme: the version it is taken from.
        item: one of `case_items(programme)`.
        base_url: this server's address without a trailing slash.
    """
    return {
        "identifier": str(item.uuid),
        "CFItemType": TYPE_NAMES[item.kind],
        "fullStatement": item.statement,
        "abbreviatedStatement": item.name,
        "humanCodingScheme": item.id,
        "language": item.language,
        "uri": f"{base_url}{item.path}",
        "CFDocumentURI": _link(programme.title, cf_document_uuid(programme.key), base_url, DOCUMENT_PATH),
        "lastChangeDateTime": _moment(item.last_changed),
    }


def cf_document(programme: Programme, base_url: str) -> dict[str, Any]:
    """The programme as a CFDocument."""
    identifier = cf_document_uuid(programme.key)
    return {
        "identifier": str(identifier),
        "uri": f"{base_url}{DOCUMENT_PATH}{identifier}",
        "creator": programme.issuer.name,
        "title": programme.title,
        "description": programme.summary,
        "language": programme.language,
        "version": str(programme.version),
        "caseVersion": "1.1",
        "CFPackageURI": _link(programme.title, identifier, base_url, PACKAGE_PATH),
        "lastChangeDateTime": _moment(_last_change(programme)),
    }


def cf_package(programme: Programme, base_url: str) -> dict[str, Any]:
    """The programme whole: its document, its items and how they belong together."""
    items = list(case_items(programme))
    return {
        "CFDocument": cf_document(programme, base_url),
        "CFItems": [cf_item(programme, item, base_url) for item in items],
        "CFAssociations": [
            association for item in items for association in _associations(programme, item, base_url, items)
        ],
    }


def _associations(
    programme: Programme, item: CaseItem, base_url: str, items: list[CaseItem]
) -> Iterator[dict[str, Any]]:
    names = {(other.kind, other.id): other.name for other in items}
    destinations: list[tuple[str, tuple[CaseKind, str]]] = [("isRelatedTo", target) for target in item.related]
    if item.parent is not None:
        destinations.insert(0, ("isChildOf", item.parent))
    for association_type, (kind, item_id) in destinations:
        identifier = uuid.uuid5(NAMESPACE, f"association:{item.kind}:{item.id}:{association_type}:{kind}:{item_id}")
        yield {
            "identifier": str(identifier),
            "associationType": association_type,
            "uri": f"{base_url}/ims/case/v1p1/CFAssociations/{identifier}",
            "originNodeURI": _link(item.name, item.uuid, base_url, ITEM_PATH),
            "destinationNodeURI": _link(names[kind, item_id], cf_item_uuid(kind, item_id), base_url, ITEM_PATH),
            "lastChangeDateTime": _moment(_last_change(programme)),
        }


def _related(fidelity_items: tuple[str, ...], principles: tuple[str, ...]) -> tuple[tuple[CaseKind, str], ...]:
    items: list[tuple[CaseKind, str]] = [("fidelity_item", item) for item in fidelity_items]
    return (*items, *(("principle", principle) for principle in principles))


def _link(title: str, identifier: uuid.UUID, base_url: str, path: str) -> dict[str, str]:
    return {"title": title, "identifier": str(identifier), "uri": f"{base_url}{path}{identifier}"}


def _last_change(programme: Programme) -> date:
    changed = [framework.last_changed for framework in programme.frameworks]
    return max(programme.last_changed, *changed, *(scale.last_changed for scale in programme.scales))


def _moment(day: date) -> str:
    return rfc3339(datetime.combine(day, time(), tzinfo=UTC))
