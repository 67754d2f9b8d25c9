"""A small tool, so that the practice LMS is tested against something other than Waymark itself."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from httpx2 import Response
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.testclient import TestClient

from practice_lms import Settings
from practice_lms.scopes import ALL_SCOPES, ROSTER, SCORE

TOOL_KEY = RSAKey.generate_key(2048, {"kid": "tool-1", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "tool-2", "use": "sig"})
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"


def form_of(page: Response) -> tuple[str, dict[str, str]]:
    """Where the page's self-posting form goes, and with what."""
    action = re.search(r'<form method="post" action="([^"]+)" data-autopost', page.text)
    assert action, page.text
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    return html.unescape(action[1]), {name: html.unescape(value) for name, value in fields}


@dataclass
class StubTool:
    """Speaks to one practice LMS through its test client, the browser and the back channel both."""

    client: TestClient
    settings: Settings
    published: list[RSAKey] = field(default_factory=lambda: [TOOL_KEY])
    fetches: int = 0

    def jwks(self, url: str) -> bytes:
        """What the LMS gets when it fetches the tool's keys."""
        import json

        assert url == self.settings.tool_jwks_url
        self.fetches += 1
        return json.dumps({"keys": [key.as_dict(private=False) for key in self.published]}).encode()

    def sign_in(self, user: str) -> None:
        assert self.client.post("/sign-in", data={"user": user}, follow_redirects=False).status_code == 303

    def start(self, course: str = "foundations", target: str = "iframe") -> dict[str, str]:
        """The login fields which the LMS posts to the tool."""
        return self.start_at(f"/course/{course}/activity/m01/launch", target=target)

    def start_at(self, path: str, **query: str) -> dict[str, str]:
        """The login fields which the LMS posts to the tool from any of its launch pages."""
        action, fields = form_of(self.client.get(path, params=query))
        assert action == self.settings.login_url
        return fields

    def auth_params(self, login: dict[str, str], **changes: str | None) -> dict[str, str]:
        """The authorization request a correct tool makes of these login fields; None leaves a parameter out."""
        params: dict[str, str | None] = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": login["client_id"],
            "redirect_uri": self.settings.redirect_uri,
            "login_hint": login["login_hint"],
            "lti_message_hint": login["lti_message_hint"],
            "nonce": "nonce-1",
            "state": "state-1",
        }
        return {name: value for name, value in (params | changes).items() if value is not None}

    def launch(self, user: str = "tess", course: str = "foundations", target: str = "iframe") -> dict[str, Any]:
        """Sign in, go through the login, and return the verified claims."""
        self.sign_in(user)
        return self.message(self.start(course, target))

    def message(self, login: dict[str, str], **changes: str | None) -> dict[str, Any]:
        """Go on with a login and return the verified claims of the message."""
        answer = self.client.get("/auth", params=self.auth_params(login, **changes))
        assert answer.status_code == 200, answer.text
        action, fields = form_of(answer)
        assert action == self.settings.redirect_uri
        assert fields["state"] == "state-1"
        keys = KeySet.import_key_set(self.client.get("/jwks").json())
        return jwt.decode(fields["id_token"], keys, ["RS256"]).claims

    def pick(self, user: str = "priya", course: str = "foundations") -> dict[str, Any]:
        """Ask what to add to a course: the verified claims of the deep linking request."""
        self.sign_in(user)
        return self.message(self.start_at(f"/course/{course}/add/launch"))

    def chosen(
        self, request: dict[str, Any], now: float, items: list[Any], *, key: RSAKey = TOOL_KEY, **changes: Any
    ) -> str:
        """The signed answer to a deep linking request; a change to None leaves the claim out."""
        claims: dict[str, Any] = {
            "iss": request["aud"],
            "aud": [request["iss"]],
            "iat": int(now),
            "exp": int(now) + 300,
            "nonce": uuid4().hex,
            LTI + "message_type": "LtiDeepLinkingResponse",
            LTI + "version": "1.3.0",
            LTI + "deployment_id": request[LTI + "deployment_id"],
            DL + "content_items": items,
        }
        if "data" in request[DL + "deep_linking_settings"]:
            claims[DL + "data"] = request[DL + "deep_linking_settings"]["data"]
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key, ["RS256"])

    def return_choice(self, request: dict[str, Any], token: str, **more: str) -> Response:
        """Post an answer to where the request said."""
        url = urlsplit(request[DL + "deep_linking_settings"]["deep_link_return_url"])
        return self.client.post(f"{url.path}?{url.query}", data={"JWT": token} | more)

    def description(self, **changes: Any) -> dict[str, Any]:
        """What this tool says of itself when it registers; a change to None leaves a member out."""
        tool = self.settings.tool_url
        document: dict[str, Any] = {
            "application_type": "web",
            "grant_types": ["client_credentials", "implicit"],
            "response_types": ["id_token"],
            "redirect_uris": [f"{tool}/own/launch"],
            "initiate_login_uri": f"{tool}/own/login",
            "client_name": "Stub tool",
            "jwks_uri": f"{tool}/lti/jwks",
            "token_endpoint_auth_method": "private_key_jwt",
            "scope": " ".join(sorted(ALL_SCOPES)),
            TOOL_CONFIGURATION: self.configuration(),
        }
        return {name: value for name, value in (document | changes).items() if value is not None}

    def configuration(self, **changes: Any) -> dict[str, Any]:
        """The part of it that is about LTI."""
        tool = self.settings.tool_url
        members: dict[str, Any] = {
            "domain": tool.partition("://")[2],
            "target_link_uri": f"{tool}/own",
            "custom_parameters": {"context_history": "$Context.id.history"},
            "claims": ["iss", "sub", "name", "given_name", "family_name", "email"],
            "messages": [
                {"type": "LtiResourceLinkRequest"},
                {"type": "LtiDeepLinkingRequest", "target_link_uri": f"{tool}/own/pick", "placements": ["ContentArea"]},
            ],
        }
        return {name: value for name, value in (members | changes).items() if value is not None}

    def assertion(
        self, now: float, *, key: RSAKey = TOOL_KEY, header: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        """A client assertion; a change to None leaves the claim out."""
        claims: dict[str, Any] = {
            "iss": self.settings.client_id,
            "sub": self.settings.client_id,
            "aud": self.settings.audience,
            "iat": int(now) - 5,
            "exp": int(now) + 60,
            "jti": uuid4().hex,
        }
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        head = {"alg": "RS256", "kid": key.kid} | (header or {})
        head = {name: value for name, value in head.items() if value is not None}
        return jwt.encode(head, claims, key, [head["alg"]])

    def ask_token(self, assertion: str, scope: str = " ".join(ALL_SCOPES), **changes: str) -> Response:
        """Call the token endpoint."""
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "scope": scope,
        }
        return self.client.post("/token", data=form | changes)

    def bearer(self, now: float, scope: str = " ".join(ALL_SCOPES)) -> dict[str, str]:
        """An Authorization header good for these scopes."""
        answer = self.ask_token(self.assertion(now), scope)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def post_score(self, line_item: str, bearer: dict[str, str], score: dict[str, Any], **headers: str) -> Response:
        """Post a score to a line item, putting /scores before the query."""
        import json

        url = urlsplit(line_item)
        target = url._replace(path=url.path + "/scores").geturl()
        sent = {"Content-Type": SCORE} | bearer | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(target, content=json.dumps(score), headers=sent)

    def roster(self, url: str, bearer: dict[str, str], accept: str = ROSTER) -> Response:
        """Get one page of the roster."""
        return self.client.get(url, headers=bearer | {"Accept": accept})


def query_of(url: str) -> dict[str, list[str]]:
    """The query of a URL."""
    return parse_qs(urlsplit(url).query)
