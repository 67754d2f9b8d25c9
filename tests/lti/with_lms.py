"""Our server and the practice LMS on ports of their own, in threads of this process: real HTTP, one clock for both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app.config import Settings
from app.core.db import Database
from app.core.jwks import JwksCache
from app.core.runtime import Runtime
from app.core.secrets import SecretBox
from app.lti import registrations
from app.lti.registrations import PlatformDetails
from app.main import create_app
from app.wiring import Services, build_verifier
from practice_lms import Settings as LmsSettings
from practice_lms import platform_details, serving
from practice_lms.catalogue import TESS
from practice_lms.gradebook import LineItem
from practice_lms.lms import PracticeLms
from tests.loopback import PatientHttpClient
from tests.lti.awarding import Grading
from tests.ports import free_ports
from tests.serving import served
from tests.system.walker import Walker, form_in


@dataclass
class Together:
    """A tool and an LMS that know each other."""

    tool: str
    lms: str
    platform: PracticeLms
    runtime: Runtime

    def __post_init__(self) -> None:
        self.grading = Grading(self.runtime)

    def launch(self, user: str = "tess", course: str = "foundations", activity: str = "m01") -> None:
        """Somebody opens an activity."""
        walker = Walker(self)  # type: ignore[arg-type]
        walker.sign_in(user)
        action, fields = form_in(walker.get(f"{self.lms}/course/{course}/activity/{activity}/launch"))
        fields.pop("lti_storage_target", None)  # this browser keeps cookies
        begun = walker.post(action, fields, origin=self.lms)
        assert begun.status_code == 302, begun.text
        action, fields = form_in(walker.get(begun.headers["location"]))
        fields.pop("lti_storage_target", None)
        launched = walker.post(action, fields, origin=self.lms)
        assert launched.status_code == 303, launched.text

    def columns(self, course: str = "foundations") -> list[LineItem]:
        return self.platform.gradebook.of_course(course)

    def grade(self, item: LineItem) -> float | None:
        """What the column shows of Tess."""
        return self.platform.gradebook.result(item, TESS.sub)

    def history(self, item: LineItem) -> list[Any]:
        """Every score of Tess's that the column took."""
        return list(self.platform.gradebook.history(item, TESS.sub))


@contextmanager
def together(
    settings: Settings, database: Database, secret_box: SecretBox, profile: str, **lms: Any
) -> Iterator[Together]:
    """Serve both until the block ends; the platform is entered and approved."""
    [port] = free_ports(1)
    tool = f"http://tool.localhost:{port}"
    http = PatientHttpClient()
    own = settings.model_copy(update={"base_url": tool})
    runtime = Runtime(own, database, http, JwksCache(http), secret_box)
    app = create_app(services=Services(runtime=runtime, verifier=build_verifier(runtime)))
    chosen = LmsSettings(profile=profile, port=0, tool_url=tool, tool_backchannel_url=f"http://127.0.0.1:{port}", **lms)
    try:
        with served(app, port), serving(chosen) as platform:
            _connect(database, platform.settings)
            yield Together(tool, platform.settings.front_url, platform, runtime)
    finally:
        http._client.close()


def _connect(database: Database, settings: LmsSettings) -> None:
    facts = platform_details(settings)
    deployment = facts.pop("deployment_id")
    with database.write() as session:
        details = PlatformDetails(**facts)
        registrations.add_registration(session, details, deployment=deployment, allow_http=True)
        registrations.approve(session, issuer=details.issuer, client_id=details.client_id)
