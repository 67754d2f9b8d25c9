"""A platform that registers tools, in memory; its administrator, who opens our page; and our server for both."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2
from hypothesis import strategies as st
from sqlmodel import select
from starlette.testclient import TestClient

from app.config import Settings
from app.core.db import Database
from app.core.http import HttpClient
from app.core.jwks import JwksCache
from app.core.runtime import Runtime
from app.core.secrets import SecretBox
from app.lti import registrations
from app.lti.dynamic_registration import RegistrationLimit
from app.lti.models import LtiDeployment, LtiRegistration
from app.lti.toolkeys import ensure_tool_key
from app.main import create_app
from app.wiring import Services, build_verifier
from tests.conftest import TEST_SECRET
from tests.databases import Maker
from tests.lti.conftest import everything
from tests.lti.platform import DROP, TOOL, changed

CANVAS_ISSUER = "https://canvas.instructure.com"
TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
VENDOR = "https://canvas.instructure.com/lti/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
ROSTER = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
ALL_SCOPES = [AGS + "lineitem", AGS + "lineitem.readonly", AGS + "result.readonly", AGS + "score", ROSTER]


@dataclass
class RegisteringPlatform:
    """One LMS that takes tools.

    Attributes:
        configuration_changes: members of its configuration that are different, or `DROP`ped.
        lti_changes: the same for its LTI part.
        answer_changes: the same for its answer to a registration.
        configuration_answer: what it answers instead of a configuration.
        registration_answer: what it answers instead of taking a tool.
        requests: everything it was asked, in order.
        given: how many tools it took.
    """

    root: str = "https://lms.example"
    issuer: str | None = None
    token: str | None = "token-1.abc"
    client_id: str = "client-77"
    deployment_id: str | None = "5"
    configuration_changes: dict[str, Any] = field(default_factory=dict)
    lti_changes: dict[str, Any] = field(default_factory=dict)
    answer_changes: dict[str, Any] = field(default_factory=dict)
    configuration_answer: httpx2.Response | Exception | None = None
    registration_answer: httpx2.Response | Exception | None = None
    requests: list[httpx2.Request] = field(default_factory=list)
    given: int = 0

    @property
    def configuration_url(self) -> str:
        return f"{self.root}/lti/openid-configuration"

    def configuration(self) -> dict[str, Any]:
        lti = {
            "product_family_code": "practice",
            "version": "1",
            "messages_supported": [{"type": "LtiResourceLinkRequest"}, {"type": "LtiDeepLinkingRequest"}],
            "variables": ["Context.id.history"],
        }
        document = {
            "issuer": self.issuer or self.root,
            "authorization_endpoint": f"{self.root}/lti/auth",
            "token_endpoint": f"{self.root}/lti/token",
            "jwks_uri": f"{self.root}/lti/jwks",
            "registration_endpoint": f"{self.root}/lti/register-tool",
            "scopes_supported": ["openid", *ALL_SCOPES],
            PLATFORM_CONFIGURATION: changed(lti, self.lti_changes),
        }
        return changed(document, self.configuration_changes)

    def answer(self, sent: dict[str, Any]) -> dict[str, Any]:
        tool = sent[TOOL_CONFIGURATION] | ({"deployment_id": self.deployment_id} if self.deployment_id else {})
        return changed(sent | {"client_id": self.client_id, TOOL_CONFIGURATION: tool}, self.answer_changes)

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if request.method == "GET":
            if self.configuration_answer is not None:
                return _answered(self.configuration_answer)
            return httpx2.Response(200, content=json.dumps(self.configuration()).encode())
        return self._register(request)

    def _register(self, request: httpx2.Request) -> httpx2.Response:
        if self.registration_answer is not None:
            return _answered(self.registration_answer)
        if self.token is not None and request.headers.get("authorization") != f"Bearer {self.token}":
            return httpx2.Response(401, text="missing_registration_token")
        if self.given and self.token is not None:
            return httpx2.Response(401, text="token_already_used")
        self.given += 1
        return httpx2.Response(200, content=json.dumps(self.answer(json.loads(request.content))).encode())

    def new_token(self, token: str) -> None:
        """Its administrator asks for another link."""
        self.token, self.given = token, 0

    @property
    def sent(self) -> dict[str, Any]:
        """What the tool last said of itself."""
        document: dict[str, Any] = json.loads(self.requests[-1].content)
        return document

    def page(self, **changes: Any) -> str:
        """The path of our page as the platform opens it."""
        query = {"openid_configuration": self.configuration_url, "registration_token": self.token or DROP}
        return "/lti/register?" + urlencode(changed(query, changes))

    def connects(self, client: TestClient, **changes: Any) -> httpx2.Response:
        """The administrator pastes our address, and the platform opens it in a frame."""
        return client.get(self.page(**changes), headers={"Accept": "text/html", "Sec-Fetch-Dest": "iframe"})


def _answered(answer: httpx2.Response | Exception) -> httpx2.Response:
    if isinstance(answer, Exception):
        raise answer
    return answer


def hosted_canvas(**endpoints: str) -> RegisteringPlatform:
    """As Canvas's source has it: configuration on the issuer's host, endpoints at sso, registration at the school."""
    lms = RegisteringPlatform(root=CANVAS_ISSUER, client_id="170000000000123", deployment_id=None)
    lms.configuration_changes = {
        "authorization_endpoint": "https://sso.canvaslms.com/api/lti/authorize_redirect",
        "token_endpoint": "https://sso.canvaslms.com/login/oauth2/token",
        "jwks_uri": "https://sso.canvaslms.com/api/lti/security/jwks",
        "registration_endpoint": "https://northcoast.instructure.com/api/lti/registrations",
        "authorization_server": "sso.canvaslms.com",
    } | endpoints
    lms.lti_changes = {
        "product_family_code": "canvas",
        VENDOR + "account_name": "North Coast TAFE",
        VENDOR + "account_lti_guid": "pNu5:canvas-lms",
        "messages_supported": [
            {"type": "LtiResourceLinkRequest", "placements": ["course_navigation", "account_navigation"]},
            {
                "type": "LtiDeepLinkingRequest",
                "placements": ["assignment_selection", "link_selection", "editor_button"],
            },
        ],
    }
    return lms


def keyed(maker: Maker) -> str:
    """A database in which the tool has its own key, as after a first start."""

    def fill(database: Database) -> None:
        ensure_tool_key(database, SecretBox([TEST_SECRET]))

    return maker.template("keyed", fill)


def bound(settings: Settings, database: Database, secret_box: SecretBox, http: HttpClient) -> TestClient:
    """Our server with this way out."""
    runtime = Runtime(settings=settings, database=database, http=http, jwks=JwksCache(http), secret_box=secret_box)
    app = create_app(services=Services(runtime=runtime, verifier=build_verifier(runtime)))
    app.state.registration_limit = RegistrationLimit(a_minute=10_000)
    return TestClient(app, base_url=TOOL, follow_redirects=False, raise_server_exceptions=False)


def on_the_internet(settings: Settings) -> Settings:
    """The settings of a server that fetches https only, and nothing from private networks."""
    return settings.model_copy(update={"allow_private_networks": False})


def reaching(lms: RegisteringPlatform) -> HttpClient:
    """A guarded way out that leads to this LMS only."""
    return HttpClient(allow_private_networks=False, transport=httpx2.MockTransport(lms.handle))


def rows(database: Database) -> list[LtiRegistration]:
    with database.read() as session:
        return list(session.exec(select(LtiRegistration)).all())


def deployments(database: Database) -> dict[str, str]:
    with database.read() as session:
        return {row.platform_deployment_id: row.state for row in session.exec(select(LtiDeployment)).all()}


def approve(database: Database, row: LtiRegistration) -> None:
    with database.write() as session:
        registrations.approve(session, issuer=row.issuer, client_id=row.client_id)


def text_of(answer: httpx2.Response) -> str:
    """What a person reads."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def refused(
    client: TestClient, lms: RegisteringPlatform, database: Database, slug: str, **changes: Any
) -> httpx2.Response:
    """The registration is refused with this code, in words, and nothing is written."""
    before = everything(database)
    answer = lms.connects(client, **changes)
    assert answer.status_code in (400, 409), answer.text
    assert f"<code>{slug}</code>" in answer.text, text_of(answer)
    assert everything(database) == before
    return answer


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(
    ["https://lms.example/x", "http://lms.example", "https://lms.example", "canvas", "https://evil.example"]
)  # fmt: skip
ANY_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
