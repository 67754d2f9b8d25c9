"""The web application: `create_app()`."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from app import __version__
from app.api import achievements as api_achievements
from app.api import audit as api_audit
from app.api import batches as api_batches
from app.api import competencies as api_competencies
from app.api import credentials as api_credentials
from app.api import oauth, openapi, vc_api
from app.api import overrides as api_overrides
from app.api import pathways as api_pathways
from app.api import people as api_people
from app.api import verify as api_verify
from app.config import Settings, load_settings
from app.core import garbage, processes
from app.core.logging import configure
from app.lti.cohort import Rosters
from app.lti.dynamic_registration import RegistrationLimit
from app.web import (
    activities,
    agreement,
    appeals,
    assessor,
    attendance,
    badge_email,
    badges,
    catalogue,
    centre,
    claim_links,
    claims,
    cohort,
    comment_bank,
    competencies,
    consequences,
    coverage,
    credentials,
    documents,
    errors,
    files,
    grades,
    home,
    learner,
    lesson_pictures,
    linking,
    lti,
    mail_settings,
    matrix,
    observation_page,
    observers,
    observing,
    operations,
    outside_badges,
    panel,
    pathway_asking,
    pathway_deciding,
    pathway_map,
    pathways,
    picker,
    platforms,
    registration,
    renewing,
    review,
    second_marks,
    share_links,
    shares,
    verify,
    wallets,
    your_data,
)
from app.web.middleware import Gatekeeper
from app.web.pages import STATIC
from app.wiring import Services, bind, build_conformance, person_merge, personal_data

# Asked in this order: first what is asked for most.
PAGES = (
    lti,
    operations,
    credentials,
    documents,
    home,
    registration,
    learner,
    lesson_pictures,
    pathway_map,
    outside_badges,
    picker,
    review,
    platforms,
    cohort,
    pathway_asking,  # one of its addresses begins like a centre's
    centre,
    coverage,
    attendance,
    grades,
    activities,
    files,
    observation_page,
    observers,
    # Their addresses begin like those of a piece of work, so they are asked before it.
    appeals,
    second_marks,
    agreement,
    comment_bank,
    pathway_deciding,
    consequences,
    assessor,
    panel,
    badges,
    renewing,
    share_links,
    badge_email,
    competencies,
    claims,
    observing,
    claim_links,
    wallets,
    shares,
    your_data,
    linking,
    mail_settings,
    catalogue,
    matrix,
    pathways,
    verify,
)

API = (
    api_audit,
    api_achievements,
    api_credentials,
    api_people,
    api_pathways,
    api_competencies,
    api_overrides,
    api_batches,
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
        docs_url=None,  # the usual documentation pages load scripts from elsewhere; ours is /api/docs
        redoc_url=None,
        openapi_url="/api/openapi.json",
        redirect_slashes=False,  # it would build addresses from the Host header, which a proxy may not pass on
    )
    app.state.runtime = services.runtime
    app.state.verifier = services.verifier
    app.state.rosters = Rosters(services.runtime)
    app.state.personal_data = personal_data(services.runtime)
    app.state.person_merge = person_merge()
    app.state.registration_limit = RegistrationLimit()
    app.state.token_limit = oauth.TokenLimit()
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    # One plain list: a router that is included is asked as a whole, and then its routes again, for every request.
    for room in (*PAGES, api_verify, oauth, *API):
        app.router.routes.extend(room.router.routes)
    if services.runtime.settings.conformance:
        app.state.conformance = build_conformance(services.runtime, vc_api.STATUS_LIST)
        app.router.routes.extend(vc_api.router.routes)
    openapi.install(app, services.runtime.settings.base_url)
    errors.install(app)
    known = services.runtime.settings
    app.add_middleware(Gatekeeper, https=known.base_url.startswith("https://"), file_mb=known.evidence_max_mb)
    return app


def served() -> FastAPI:
    """What the web server loads in each of its processes."""
    settings = load_settings()
    configure(level=settings.log_level, json=settings.env == "production")
    processes.join()
    app = create_app(settings)
    garbage.settle()
    return app
