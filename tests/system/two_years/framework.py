"""The programme with the review dates out of the way, and the same with one competency worded anew."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

from app.programme import documents
from app.programme.frameworks import Framework, Programme
from app.programme.service import load_programme
from tests.conftest import ROOT

OLD, NEW = "IPSV-A1", "IPSV-A1R"
WORDING = "put the principles to work, and say which of them pulls against which"
LATE = date(2035, 1, 1)


@cache
def lasting() -> Programme:
    """The real programme, but for the dates by which its content is to be reviewed: nobody reviews anything here."""
    real = load_programme(ROOT / "programme" / "ips")
    modules = tuple(
        documents.with_digest(replace(each, version=each.version + 1, review_by=LATE, issue_until=None))
        for each in real.modules
    )
    return replace(real, modules=modules)


def reworded(known: Programme) -> Programme:
    """The next version of it: one competency is worded anew under an id of its own, and all that names it follows."""
    document = _renamed(documents.programme_document(known))
    fresh = documents.programme_from(document, "")
    fresh = replace(
        fresh, version=known.version + 1, frameworks=tuple(_with_wording(each) for each in fresh.frameworks)
    )
    modules, pathways = [], []
    for module in known.modules:
        now = documents.module_from(_renamed(documents.module_document(module)), "")
        modules.append(module if now == replace(module, digest="") else documents.with_digest(_next(now)))
    for pathway in known.pathways:
        then = documents.pathway_from(_renamed(documents.pathway_document(pathway)), "")
        pathways.append(pathway if then == replace(pathway, digest="") else documents.pathway_with_digest(_next(then)))
    return replace(documents.programme_with_digest(fresh), modules=tuple(modules), pathways=tuple(pathways))


def _next(each: Any) -> Any:
    return replace(each, version=each.version + 1)


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(document).replace(f'"{OLD}"', f'"{NEW}"')
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def _with_wording(framework: Framework) -> Framework:
    domains = tuple(
        replace(
            domain,
            competencies=tuple(
                replace(each, statement=WORDING, replaces=(OLD,)) if each.id == NEW else each
                for each in domain.competencies
            ),
        )
        for domain in framework.domains
    )
    if domains == framework.domains:
        return framework
    return replace(framework, version=f"{framework.version}.1", domains=domains)
