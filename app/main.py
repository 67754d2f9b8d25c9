"""The web application: `create_app()`."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from app import __version__
from app.api import vc_api
from app.api import verify as api_verify
from app.config import Settings, load_settings
from app.core import garbage, processes
from app.core.logging import configure
from app.lti.cohort import Rosters
from app.lti.dynamic_registration import RegistrationLimit
from app.web import (
    activities,
    assessor,
    badge_email,
    badges,
    catalogue,
    claim_links,
    claims,
    cohort,
    credentials,
    documents,
    errors,
    grades,
    home,
    learner,
    lti,
    operations,
    picker,
    platforms,
    registration,
    review,
    share_links,
    shares,
    verify,
    wallets,
    your_data,
)
from app.web.middleware import Gatekeeper
from app.web.pages import STATIC
from app.wiring import Services, bind, build_conformance, personal_data

# Asked in this order: first what is asked for most.
PAGES = (
    lti,
    operations,
    credentials,
    documents,
    home,
    registration,
    learner,
    picker,
    review,
    platforms,
    cohort,
    grades,
    activities,
    assessor,
    badges,
    share_links,
    badge_email,
    claims,
    claim_links,
    wallets,
    shares,
    your_data,
    catalogue,
    verify,
)
DESCRIPTION = (
    "Waymark issues and verifies Open Badges 3.0 for IPS vocational specialists. "
    "Errors are problem+json (RFC 9457); moments are RFC 3339 in UTC."
)


def create_app(settings: Settings | None = None, *, services: Services | None = None) -> FastAPI:
    """The application, bound to one set of services.

    Args:
        settings: taken from the environment if not given.
        services: bound already, by a test or the command line.
    """
    services = services or bind(settings or load_settings())
    app = FastAPI(
        title="Waymark API",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # the usual documentation pages load scripts from elsewhere; ours is /api/docs
        redoc_url=None,
        openapi_url="/api/openapi.json",
        redirect_slashes=False,  # it would build addresses from the Host header, which a proxy may not pass on
    )
    app.state.runtime = services.runtime
    app.state.verifier = services.verifier
    app.state.rosters = Rosters(services.runtime)
    app.state.personal_data = personal_data(services.runtime)
    app.state.registration_limit = RegistrationLimit()
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    # One plain list: a router that is included is asked as a whole, and then its routes again, for every request.
    for room in (*PAGES, api_verify):
        app.router.routes.extend(room.router.routes)
    if services.runtime.settings.conformance:
        app.state.conformance = build_conformance(services.runtime, vc_api.STATUS_LIST)
        app.router.routes.extend(vc_api.router.routes)
    errors.install(app)
    app.add_middleware(Gatekeeper, https=services.runtime.settings.base_url.startswith("https://"))
    return app


def served() -> FastAPI:
    """What the web server loads in each of its processes."""
    settings = load_settings()
    configure(level=settings.log_level, json=settings.env == "production")
    processes.join()
    app = create_app(settings)
    garbage.settle()
    return app
