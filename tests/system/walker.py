"""Somebody with a browser and no screen: follows forms and keeps cookies, over real HTTP.

Names below localhost are not known to every resolver, so every request goes to 127.0.0.1 and names its host.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2

from tests.loopback import NO_TLS
from tests.system.house import House

TIMEOUT = 60.0


@dataclass
class Walker:
    """One person's browser; `via` leads requests for one port to another, as a balancer does."""

    house: House
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    via: dict[int, int] = field(default_factory=dict)

    def get(self, url: str) -> httpx2.Response:
        return self._ask("GET", url, None, None)

    def post(self, url: str, fields: dict[str, str], origin: str | None = None) -> httpx2.Response:
        return self._ask("POST", url, fields, origin)

    def sign_in(self, user: str) -> None:
        answer = self.post(f"{self.house.lms}/sign-in", {"user": user}, origin=self.house.lms)
        assert answer.status_code == 303, answer.text

    def launch(self, user: str, course: str = "foundations") -> str:
        """From the click in the LMS to the tool's first page; the address that all pages of this launch begin with."""
        self.sign_in(user)
        action, fields = form_in(self.get(f"{self.house.lms}/course/{course}/activity/m01/launch"))
        begun = self.post(action, fields, origin=self.house.lms)
        assert begun.status_code == 302, begun.text
        action, fields = form_in(self.get(begun.headers["location"]))
        answer = self.post(action, fields, origin=self.house.lms)
        assert answer.status_code == 303, answer.text
        first = self.house.tool + answer.headers["location"].removeprefix(self.house.tool)
        return re.sub(r"(/at/[^/]+).*", r"\1", first)

    def send_form(self, page: str, action: str, fields: dict[str, str]) -> httpx2.Response:
        """What a press on a button of a page of the tool sends; the page's own token comes along."""
        shown = self.get(page)
        token = re.search(r'name="csrf" value="([^"]*)"', shown.text)
        assert token is not None, shown.text
        return self.post(action, {"csrf": html.unescape(token.group(1)), **fields}, origin=self.house.tool)

    def _ask(self, method: str, url: str, fields: dict[str, str] | None, origin: str | None) -> httpx2.Response:
        parts = urlsplit(url)
        mine = self.cookies.setdefault(parts.netloc, {})
        headers = {"Host": parts.netloc, "Accept": "text/html"}
        if mine:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in mine.items())
        if origin:
            headers["Origin"] = origin
        query = f"?{parts.query}" if parts.query else ""
        port = self.via.get(parts.port or 80, parts.port or 80)
        with httpx2.Client(verify=NO_TLS, trust_env=False, timeout=TIMEOUT, follow_redirects=False) as client:
            answer = client.request(method, f"http://127.0.0.1:{port}{parts.path}{query}", headers=headers, data=fields)
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            mine[name] = value
        return answer


def form_in(page: httpx2.Response) -> tuple[str, dict[str, str]]:
    """Where a page's first form goes, and its fields."""
    assert page.status_code == 200, page.text
    action = re.search(r'action="([^"]+)"', page.text)
    assert action is not None, page.text
    fields = re.findall(r'name="([^"]+)" value="([^"]*)"', page.text)
    return html.unescape(action.group(1)), {name: html.unescape(value) for name, value in fields}
