"""The platform in memory with a gradebook: columns to list and make, scores that are kept, and odd answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2

from tests.lti.platform import SCORE_SCOPE, Platform

SCOPES = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINE_ITEM_SCOPE = SCOPES + "lineitem"
LINE_ITEM_READ_SCOPE = SCOPES + "lineitem.readonly"
RESULT_SCOPE = SCOPES + "result.readonly"
ALL_SCOPES = [SCORE_SCOPE, LINE_ITEM_SCOPE, RESULT_SCOPE]

Answer = httpx2.Response | Exception | int


@dataclass
class Columns(Platform):
    """One course's gradebook.

    Attributes:
        columns: by number; 7 is the one of the activity that launches are made from by default.
        odd: answers to give instead of the right ones, by `METHOD what`, e.g. `POST items`; one after the other.
        lost: answers that get lost on their way, although the work was done.
        marks: what was last accepted, by column and user.
        stale: the status for a score that is not later than the last.
        page_size: 0 gives everything at once.
    """

    columns: dict[int, dict[str, Any]] = field(default_factory=lambda: {7: {"label": "M01", "scoreMaximum": 100}})
    odd: dict[str, list[Answer]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    marks: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)
    stale: int = 409
    page_size: int = 0
    heeds_filters: bool = True
    keeps_links: bool = True

    @property
    def items_url(self) -> str:
        return self.issuer + "/items?type_id=2"

    def url_of(self, number: int) -> str:
        return f"{self.issuer}/items/{number}/lineitem?type_id=2"

    def ags(self, *scopes: str, column: int | None = None) -> dict[str, Any]:
        """The claim of a launch; without a column the activity is not graded."""
        claim: dict[str, Any] = {"scope": list(scopes or ALL_SCOPES), "lineitems": self.items_url}
        return claim | ({"lineitem": self.url_of(column)} if column else {})

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        parts = request.url.path.strip("/").split("/")
        if parts[0] != "items":
            odd = self._odd(f"{request.method} {parts[0]}")
            if odd is None:
                return super().handle(request)
            self.requests.append(request)
            return odd
        self.requests.append(request)
        what = parts[-1]
        odd = self._odd(f"{request.method} {what}")
        if odd is not None:
            return odd
        assert request.url.params.get("type_id") == "2", f"the query of {request.url} was lost"
        answer = self._answer(request, what, int(parts[1]) if len(parts) > 1 else 0)
        if f"{request.method} {what}" in self.lost:
            self.lost.remove(f"{request.method} {what}")
            raise httpx2.ReadTimeout("the answer got lost")
        return answer

    def made(self) -> list[dict[str, Any]]:
        """The columns that were posted."""
        posts = [each for each in self.requests if each.method == "POST" and each.url.path == "/items"]
        return [json.loads(each.content) for each in posts]

    def _odd(self, key: str) -> httpx2.Response | None:
        waiting: list[Any] = self.odd.get(key) or (self.score_answers if key == "POST scores" else [])
        if not waiting:
            return None
        answer = waiting.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer) if isinstance(answer, int) else answer

    def _answer(self, request: httpx2.Request, what: str, number: int) -> httpx2.Response:
        if what == "items" and request.method == "POST":
            return self._make(json.loads(request.content))
        if what == "items":
            return self._list(request)
        if number not in self.columns:
            return httpx2.Response(404)
        if what == "scores":
            return self._take(number, json.loads(request.content))
        if what == "results":
            return self._results(number, request.url.params.get("user_id"))
        return httpx2.Response(200, json=self._shown(number))

    def _shown(self, number: int) -> dict[str, Any]:
        return {"id": self.url_of(number)} | self.columns[number]

    def _make(self, item: dict[str, Any]) -> httpx2.Response:
        number = max(self.columns, default=0) + 1
        if not self.keeps_links:
            item.pop("resourceLinkId", None)
        self.columns[number] = item
        return httpx2.Response(201, json=self._shown(number))

    def _list(self, request: httpx2.Request) -> httpx2.Response:
        asked = request.url.params
        found = list(self.columns)
        if self.heeds_filters:
            for name, member in (("resource_link_id", "resourceLinkId"), ("resource_id", "resourceId"), ("tag", "tag")):
                if name in asked:
                    found = [each for each in found if self.columns[each].get(member) == asked[name]]
        begin = int(asked.get("from", 0))
        size = self.page_size or len(found) or 1
        headers = {}
        if begin + size < len(found):
            # as Moodle writes it, as far as a header in ASCII can hold it
            following = str(request.url.copy_set_param("from", begin + size)).replace("&", "&amp;")
            headers["Link"] = f"<{following}>; rel=next"
        return httpx2.Response(200, json=[self._shown(each) for each in found[begin : begin + size]], headers=headers)

    def _take(self, number: int, score: dict[str, Any]) -> httpx2.Response:
        last = self.marks.get((number, score["userId"]))
        given, known = _moment(score["timestamp"]), _moment(last["timestamp"]) if last else None
        if known is not None and (given < known or (given == known and self.stale == 409)):
            return httpx2.Response(self.stale)
        self.marks[number, score["userId"]] = score
        return httpx2.Response(200)

    def _results(self, number: int, user: str | None) -> httpx2.Response:
        rows = [
            {
                "id": f"{self.issuer}/items/{number}/lineitem/results/{who}",
                "userId": who,
                "resultScore": score["scoreGiven"] / score["scoreMaximum"] * 20,
                "resultMaximum": 20,
            }
            for (column, who), score in self.marks.items()
            if column == number and (user in (None, who) or not self.heeds_filters)
        ]
        return httpx2.Response(200, json=rows)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
