"""Launches that must not be let in (certification's bad payloads and ours, B1–B31): a page, and nothing written."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from app.core.db import Database
from app.core.runtime import Runtime
from app.lti import registrations
from app.lti.launch import FEW_DEPLOYMENTS
from app.lti.models import LtiDeployment
from tests.lti.conftest import everything, register
from tests.lti.platform import DROP, KEY, LTI, NEXT_KEY, STRANGER, TARGET, Begun, Browser, Platform, b64

LONG = "x" * 256
NOW = int(time.time())


def assert_refused(response: httpx2.Response, slug: str, status: int = 400) -> None:
    """A 4xx page in words, with its code, that leaks nothing."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("text/html")
    assert f"{slug}" in response.text
    assert "<h1" in response.text
    assert "What to do next" in response.text
    assert "Traceback" not in response.text
    assert "tess@example.org" not in response.text
    assert "set-cookie" not in response.headers


def refuse(
    browser: Browser, database: Database, make: Callable[[Begun], str], slug: str, status: int = 400
) -> httpx2.Response:
    """Begin a login, send what `make` makes of it, and see it refused without a trace."""
    begun = browser.login()
    token = make(begun)
    before = everything(database)
    response = browser.launch(token, begun.state)
    assert_refused(response, slug, status)
    assert everything(database) == before
    return response


CLAIM_CASES: dict[str, tuple[dict[str, Any], str]] = {
    "B3 wrong version": ({"version": "11.3"}, "lti-version"),
    "B4 no version": ({"version": DROP}, "lti-version"),
    "B6 aud iss sub deployment roles missing": (
        {"aud": DROP, "iss": DROP, "sub": DROP, "deployment_id": DROP, "roles": DROP},
        "lti-token-claim-missing",
    ),
    "B7 timestamps incorrect": ({"iat": 11111, "exp": 22222}, "lti-token-expired"),
    "B8 message type missing": ({"message_type": DROP}, "lti-message-type"),
    "B9 roles missing": ({"roles": DROP}, "lti-roles"),
    "B9 roles is a text": ({"roles": "Instructor"}, "lti-roles"),
    "B9 roles holds a number": ({"roles": [1]}, "lti-roles"),
    "B10 deployment missing": ({"deployment_id": DROP}, "lti-deployment-missing"),
    "B10 deployment is a number": ({"deployment_id": 7}, "lti-deployment-missing"),
    "B11 resource link missing": ({"resource_link": DROP}, "lti-resource-link"),
    "B11 resource link without id": ({"resource_link": {"title": "M01"}}, "lti-resource-link"),
    "B11 resource link id empty": ({"resource_link": {"id": ""}}, "lti-resource-link"),
    "B11 resource link is a text": ({"resource_link": "link-5"}, "lti-resource-link"),
    "B12 user missing": ({"sub": DROP}, "lti-user"),
    "B12 user empty": ({"sub": ""}, "lti-user"),
    "B12 user is a number": ({"sub": 41}, "lti-user"),
    "B17 wrong issuer": ({"iss": "https://other.example"}, "lti-issuer"),
    "B18 wrong audience": ({"aud": "another-tool"}, "lti-audience"),
    "B18 empty audience list": ({"aud": []}, "lti-token-claim-missing"),
    "B19 several audiences without azp": ({"aud": ["client-1", "other"]}, "lti-audience"),
    "B19 several audiences with a foreign azp": ({"aud": ["client-1", "other"], "azp": "other"}, "lti-audience"),
    "B19 one audience with a foreign azp": ({"azp": "other"}, "lti-audience"),
    "B20 exp missing": ({"exp": DROP}, "lti-token-claim-missing"),
    "B20 iat missing": ({"iat": DROP}, "lti-token-claim-missing"),
    "B20 iat a day old": ({"iat": NOW - 86_400, "exp": NOW + 3600}, "lti-token-clock"),
    "B20 iat eleven minutes old": ({"iat": NOW - 671, "exp": NOW + 3600}, "lti-token-clock"),
    "B20 iat in an hour": ({"iat": NOW + 3600, "exp": NOW + 7200}, "lti-token-clock"),
    "B20 nbf in an hour": ({"nbf": NOW + 3600}, "lti-token-clock"),
    "B20 expired a minute ago": ({"iat": NOW - 120, "exp": NOW - 60}, "lti-token-expired"),
    "B20 exp as text": ({"exp": str(NOW + 3600)}, "lti-token-clock"),
    "B20 iat as truth value": ({"iat": True}, "lti-token-clock"),
    "B23 nonce unknown": ({"nonce": "invented"}, "lti-nonce"),
    "B23 nonce missing": ({"nonce": DROP}, "lti-token-claim-missing"),
    "B23 nonce is a number": ({"nonce": 5}, "lti-nonce"),
    "B26 other target on this server": ({"target_link_uri": TARGET + "2"}, "lti-target-mismatch"),
    "B26 target on a foreign host": ({"target_link_uri": "https://evil.example/"}, "lti-target-mismatch"),
    "B26 target missing": ({"target_link_uri": DROP}, "lti-target-mismatch"),
    "B27 unknown message type": ({"message_type": "Foo"}, "lti-message-type"),
    "B27 message type is a list": ({"message_type": ["LtiResourceLinkRequest"]}, "lti-message-type"),
    "a message we do not offer": ({"message_type": "DataPrivacyLaunchRequest"}, "lti-message-type-not-supported"),
    "B28 resource link id too long": ({"resource_link": {"id": LONG}}, "lti-resource-link"),
    "B28 deployment id too long": ({"deployment_id": LONG}, "lti-deployment-missing"),
    "B28 sub too long": ({"sub": LONG}, "lti-user"),
    "context is a text": ({"context": "course-2"}, "lti-claim-malformed"),
    "name is an object": ({"name": {"first": "Tess"}}, "lti-claim-malformed"),
    "line item is not an address": ({"ags": {"scope": [], "lineitem": "javascript:x"}}, "lti-claim-malformed"),
    "a NUL character": ({"sub": "a\0b"}, "lti-token-malformed"),
}


@pytest.mark.parametrize("case", CLAIM_CASES)
def test_a_message_with_a_wrong_claim_is_refused_and_nothing_is_written(
    browser: Browser, platform: Platform, database: Database, case: str
) -> None:
    changes, slug = CLAIM_CASES[case]
    refuse(browser, database, lambda begun: platform.sign(platform.claims(begun.nonce, **changes)), slug)


HEADER_CASES: dict[str, tuple[dict[str, Any], str]] = {
    "B1 no kid": ({"kid": DROP}, "lti-token-algorithm"),
    "B1 kid empty": ({"kid": ""}, "lti-token-algorithm"),
    "B2 wrong kid": ({"kid": "nobody"}, "lti-token-key-unknown"),
    "critical extension": ({"crit": ["exp"], "exp": 1}, "lti-token-algorithm"),
}


@pytest.mark.parametrize("case", HEADER_CASES)
def test_a_message_with_a_wrong_header_is_refused(
    browser: Browser, platform: Platform, database: Database, case: str
) -> None:
    changes, slug = HEADER_CASES[case]

    def make(begun: Begun) -> str:
        header = changed_header(changes)
        return platform.sign_raw(json.dumps(platform.claims(begun.nonce)).encode(), header=header)

    refuse(browser, database, make, slug)


def changed_header(changes: dict[str, Any]) -> bytes:
    header = {"alg": "RS256", "kid": "key-1"} | changes
    return json.dumps({name: value for name, value in header.items() if value is not DROP}).encode()


def test_an_unknown_key_id_asks_the_platform_once_more_and_no_oftener(
    browser: Browser, platform: Platform, database: Database
) -> None:
    assert browser.full_launch().status_code == 303
    for _ in range(3):
        refuse(
            browser,
            database,
            lambda begun: platform.sign(platform.claims(begun.nonce), header={"kid": "nobody"}),
            "lti-token-key-unknown",
        )
    assert len(platform.at("/jwks")) <= 2


def test_a_message_of_the_wrong_kind_altogether_is_refused(
    browser: Browser, platform: Platform, database: Database
) -> None:
    """B5."""
    refuse(browser, database, lambda _: platform.sign({"name": "badltilaunch"}), "lti-token-claim-missing")


def test_a_bad_signature_is_refused(browser: Browser, platform: Platform, database: Database) -> None:
    """B13."""
    refuse(
        browser,
        database,
        lambda begun: platform.sign(platform.claims(begun.nonce), key=STRANGER),
        "lti-token-signature",
    )


def test_a_changed_payload_is_refused(browser: Browser, platform: Platform, database: Database) -> None:
    """B14."""

    def make(begun: Begun) -> str:
        head, _, signature = platform.sign(platform.claims(begun.nonce)).split(".")
        return f"{head}.{b64(json.dumps(platform.claims(begun.nonce, name='Somebody Else')).encode())}.{signature}"

    refuse(browser, database, make, "lti-token-signature")


@pytest.mark.parametrize("alg", ["none", "HS256", "RS512", "PS256"])
def test_any_algorithm_but_rs256_is_refused(browser: Browser, platform: Platform, database: Database, alg: str) -> None:
    """B15, with the published public key as the secret of HS256."""
    refuse(browser, database, lambda begun: platform.sign(platform.claims(begun.nonce), alg=alg), "lti-token-algorithm")


def test_keys_that_the_header_brings_along_are_not_looked_at(
    browser: Browser, platform: Platform, database: Database
) -> None:
    """B16: the stranger's own key in the header does not help the stranger."""
    header = {"jwk": STRANGER.as_dict(private=False), "jku": "https://evil.example/jwks", "x5u": "https://evil.example"}
    refuse(
        browser,
        database,
        lambda begun: platform.sign(platform.claims(begun.nonce), key=STRANGER, header=header),
        "lti-token-signature",
    )
    begun = browser.login()
    response = browser.launch(platform.sign(platform.claims(begun.nonce), header=header), begun.state)
    assert response.status_code == 303
    assert not [request for request in platform.requests if request.url.host == "evil.example"]


def test_a_short_key_is_refused(browser: Browser, platform: Platform, database: Database) -> None:
    from joserfc.jwk import RSAKey

    with pytest.warns(match="2048"):
        short = RSAKey.generate_key(1024, {"kid": "short"})
    platform.published.append(short)
    refuse(
        browser,
        database,
        lambda begun: platform.sign(platform.claims(begun.nonce), key=short, header={"kid": "short"}),
        "lti-token-algorithm",
    )


def test_a_nonce_of_another_login_is_refused(browser: Browser, platform: Platform, database: Database) -> None:
    """B23."""
    other = browser.login()
    refuse(browser, database, lambda _: platform.sign(platform.claims(other.nonce)), "lti-nonce")


def test_the_same_post_twice_opens_once(browser: Browser, platform: Platform, database: Database) -> None:
    """B24."""
    begun = browser.login()
    token = platform.sign(platform.claims(begun.nonce))
    kept = dict(browser.cookies)
    assert browser.launch(token, begun.state).status_code == 303
    browser.cookies.update(kept)
    before = everything(database)
    assert_refused(browser.launch(token, begun.state), "lti-launch-replayed", 409)
    assert everything(database) == before


def test_a_second_message_with_the_same_nonce_is_refused(
    browser: Browser, platform: Platform, database: Database
) -> None:
    """B24."""
    begun = browser.login()
    kept = dict(browser.cookies)
    assert browser.launch(platform.sign(platform.claims(begun.nonce)), begun.state).status_code == 303
    browser.cookies.update(kept)
    before = everything(database)
    second = platform.sign(platform.claims(begun.nonce, sub="somebody-else"))
    assert_refused(browser.launch(second, begun.state), "lti-launch-replayed", 409)
    assert everything(database) == before


@pytest.mark.parametrize("state", ["", "invented", "state-" + "x" * 43])
def test_a_missing_or_unknown_state_is_refused(
    browser: Browser, platform: Platform, database: Database, state: str
) -> None:
    """B25."""
    begun = browser.login()
    before = everything(database)
    response = browser.launch(platform.sign(platform.claims(begun.nonce)), state)
    assert_refused(response, "lti-state-unknown" if state else "lti-launch-incomplete")
    assert everything(database) == before


def test_a_login_of_ten_minutes_ago_is_refused(browser: Browser, platform: Platform, database: Database) -> None:
    """B25."""
    import sqlalchemy as sa

    from app.core.clock import now
    from app.lti.models import LtiLogin

    begun = browser.login()
    with database.write() as session:
        session.exec(sa.update(LtiLogin).values(expires_at=now()))
    before = everything(database)
    assert_refused(browser.launch(platform.sign(platform.claims(begun.nonce)), begun.state), "lti-state-expired")
    assert everything(database) == before


def test_a_message_of_another_registered_platform_does_not_answer_this_login(
    browser: Browser, platform: Platform, database: Database
) -> None:
    """B26: same keys, another client of the same issuer."""
    register(database, Platform(client_id="client-2"))
    refuse(browser, database, lambda begun: platform.sign(platform.claims(begun.nonce, aud="client-2")), "lti-audience")


MALFORMED: dict[str, Callable[[str], str]] = {
    "not a JWT": lambda _: "hello",
    "two parts": lambda token: token.rpartition(".")[0],
    "five parts, as an encrypted one": lambda token: token + ".a.b",
    "padding": lambda token: token.replace(".", "=.", 1),
    "the other alphabet": lambda token: "+" + token,
    "empty payload": lambda token: ".".join((token.split(".")[0], "", token.split(".")[2])),
    "header is a list": lambda token: ".".join((b64(b"[]"), *token.split(".")[1:])),
    "header is not JSON": lambda token: ".".join((b64(b"{"), *token.split(".")[1:])),
    "header is not UTF-8": lambda token: ".".join((b64(b'{"a":"\xff"}'), *token.split(".")[1:])),
    "header nests without end": lambda token: ".".join((b64(b"[" * 20_000), *token.split(".")[1:])),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_signed_jwt_is_refused(browser: Browser, platform: Platform, database: Database, case: str) -> None:
    """B29."""
    refuse(
        browser,
        database,
        lambda begun: MALFORMED[case](platform.sign(platform.claims(begun.nonce))),
        "lti-token-malformed",
    )


@pytest.mark.parametrize(
    "payload",
    [
        b'{"sub":"a","sub":"b",',
        b'{"x":{"a":1,"a":2},',
        b'{"x":NaN,',
        b'{"x":' + b"9" * 5000 + b",",
        rb'{"x":"\ud800",',
    ],
    ids=["twice at the top", "twice inside", "not a number", "a number without end", "half a surrogate pair"],
)
def test_json_that_readers_read_differently_is_refused_though_signed(
    browser: Browser, platform: Platform, database: Database, payload: bytes
) -> None:
    """B29."""
    refuse(
        browser,
        database,
        lambda begun: platform.sign_raw(payload + json.dumps(platform.claims(begun.nonce)).encode()[1:]),
        "lti-token-malformed",
    )


def test_a_payload_that_nests_deeply_is_refused(browser: Browser, platform: Platform, database: Database) -> None:
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    refuse(browser, database, lambda begun: platform.sign(platform.claims(begun.nonce, x=deep)), "lti-token-malformed")


def test_a_megabyte_is_refused_before_anything_is_read(
    browser: Browser, platform: Platform, database: Database
) -> None:
    """B29."""
    refuse(
        browser,
        database,
        lambda begun: platform.sign(platform.claims(begun.nonce, name="x" * 1_000_000)),
        "lti-request-too-large",
        413,
    )
    assert not platform.at("/jwks")


def test_the_platforms_own_error_becomes_a_friendly_page(
    browser: Browser, platform: Platform, database: Database
) -> None:
    """B30; what the form says is not printed."""
    begun = browser.login()
    before = everything(database)
    response = browser.post(
        "/lti/launch", {"error": "login_required", "error_description": "<b>Tess</b>", "state": begun.state}
    )
    assert_refused(response, "lti-platform-error")
    assert "login_required" in response.text
    assert "Tess" not in response.text
    assert everything(database) == before


def test_an_invented_platform_error_is_not_echoed(browser: Browser) -> None:
    begun = browser.login()
    response = browser.post("/lti/launch", {"error": "spell-it-out", "state": begun.state})
    assert_refused(response, "lti-platform-error")
    assert "spell-it-out" not in response.text


KEY_TROUBLE: dict[str, httpx2.Response | Exception] = {
    "down": httpx2.ConnectError("no"),
    "slow": httpx2.ReadTimeout("slow"),
    "500": httpx2.Response(500),
    "HTML": httpx2.Response(200, text="<html>Log in</html>"),
    "a list": httpx2.Response(200, json=[]),
    "10 MB": httpx2.Response(200, content=b" " * 10_000_000),
}


@pytest.mark.parametrize("case", KEY_TROUBLE)
def test_keys_that_cannot_be_had_give_a_503_page(
    browser: Browser, platform: Platform, database: Database, case: str
) -> None:
    """B31."""
    platform.jwks_answer = KEY_TROUBLE[case]
    begun = browser.login()
    before = everything(database)
    response = browser.launch(platform.sign(platform.claims(begun.nonce)), begun.state)
    assert response.status_code == 503
    assert "keys could not be fetched" in response.text
    assert everything(database) == before


def test_keys_that_were_fetched_before_bridge_an_outage(browser: Browser, platform: Platform) -> None:
    """B31."""
    assert browser.full_launch().status_code == 303
    platform.jwks_answer = httpx2.Response(500)
    assert browser.full_launch().status_code == 303


def test_a_new_key_of_the_platform_is_fetched_when_it_is_first_met(
    browser: Browser, platform: Platform, runtime: Runtime
) -> None:
    assert browser.full_launch().status_code == 303
    platform.published = [KEY, NEXT_KEY]
    for key_set in runtime.jwks._sets.values():
        key_set.fetched_at -= 60  # the cache waits between fetches so that invented ids cannot hammer a platform
    begun = browser.login()
    token = platform.sign(platform.claims(begun.nonce), key=NEXT_KEY, header={"kid": "key-2"})
    assert browser.launch(token, begun.state).status_code == 303


def test_a_platform_switched_off_in_the_meantime_is_refused(
    browser: Browser, platform: Platform, database: Database
) -> None:
    begun = browser.login()
    with database.write() as session:
        registrations.remove(session, issuer=platform.issuer, client_id=platform.client_id)
    before = everything(database)
    response = browser.launch(platform.sign(platform.claims(begun.nonce)), begun.state)
    assert_refused(response, "lti-platform-disabled", 403)
    assert everything(database) == before


def launch_from(browser: Browser, platform: Platform, deployment: str) -> str:
    """A good launch from a deployment that is not let in; the page."""
    begun = browser.login()
    response = browser.launch(platform.sign(platform.claims(begun.nonce, deployment_id=deployment)), begun.state)
    assert_refused(response, "lti-deployment-pending", 403)
    return response.text


def test_an_unknown_deployment_waits_for_approval_and_nothing_else_is_written(
    browser: Browser, platform: Platform, database: Database
) -> None:
    """B22: the page says who can help, and the operator finds the deployment in the list; it is not let in."""
    before = everything(database)
    assert "Waiting for approval" in launch_from(browser, platform, "new-place")
    launch_from(browser, platform, "new-place")
    after = everything(database)
    assert {table: rows for table, rows in after.items() if rows != before[table]}.keys() <= {
        "lti_deployment", "lti_login",
    }  # fmt: skip
    with database.read() as session:
        found = session.exec(select(LtiDeployment).where(LtiDeployment.platform_deployment_id == "new-place")).one()
    assert found.state == "pending"
    assert found.seen_at is not None


def test_a_deployment_that_is_entered_but_not_approved_is_refused(
    browser: Browser, platform: Platform, database: Database, registration_id: str
) -> None:
    """B22."""
    with database.write() as session:
        session.add(LtiDeployment(registration_id=registration_id, platform_deployment_id="entered"))
    launch_from(browser, platform, "entered")


def test_a_deployment_of_another_registration_does_not_count(
    browser: Browser, platform: Platform, database: Database
) -> None:
    """B22."""
    register(database, Platform(client_id="client-2", deployment_id="dep-2"))
    launch_from(browser, platform, "dep-2")


def test_among_many_deployments_each_is_judged_by_itself(
    browser: Browser, platform: Platform, database: Database, registration_id: str
) -> None:
    """B22, where a platform has more deployments than a launch reads along."""
    register(database, Platform(client_id="client-2", deployment_id="dep-2"))
    with database.write() as session:
        for number in range(FEW_DEPLOYMENTS + 1):
            session.add(
                LtiDeployment(registration_id=registration_id, platform_deployment_id=f"many-{number}", state="active")
            )
        session.add(LtiDeployment(registration_id=registration_id, platform_deployment_id="entered"))
    for name in ("entered", "dep-2", "new-place"):
        launch_from(browser, platform, name)
    begun = browser.login()
    token = platform.sign(platform.claims(begun.nonce, deployment_id=f"many-{FEW_DEPLOYMENTS}"))
    assert browser.launch(token, begun.state).status_code == 303


@pytest.mark.parametrize("module", ["M99", "../admin", "$Module.key"])
def test_a_link_to_a_module_that_does_not_exist_is_refused(
    browser: Browser, platform: Platform, database: Database, module: str
) -> None:
    refuse(
        browser,
        database,
        lambda begun: platform.sign(platform.claims(begun.nonce, custom={"module": module})),
        "lti-module-unknown",
        404,
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("state=a&state=b&id_token=c", "application/x-www-form-urlencoded"),
        ('{"state": "a"}', "application/json"),
        ("state=%ff&id_token=a", "application/x-www-form-urlencoded"),
        ("state=%00&id_token=a", "application/x-www-form-urlencoded"),
        ("&".join(f"a{n}=1" for n in range(100)), "application/x-www-form-urlencoded"),
    ],
    ids=["a name twice", "not a form", "not UTF-8", "NUL", "a hundred fields"],
)
def test_a_form_that_is_none_is_refused(browser: Browser, body: str, content_type: str) -> None:
    response = browser.client.post("/lti/launch", content=body, headers={"Content-Type": content_type})
    assert_refused(response, "lti-request-malformed")


def test_an_error_page_may_be_framed_by_the_launchs_own_platform_only(
    browser: Browser, platform: Platform, database: Database
) -> None:
    response = refuse(
        browser, database, lambda begun: platform.sign(platform.claims(begun.nonce, version="2")), "lti-version"
    )
    assert 'href="https://school.lms.example/back?c=2&amp;lti_errormsg=' in response.text
    policy = response.headers["content-security-policy"]
    assert re.search(r"frame-ancestors 'self' https://lms\.example$", policy)


def test_a_refusal_after_a_good_signature_knows_the_way_back(
    browser: Browser, platform: Platform, runtime: Runtime
) -> None:
    from app.lti import launch as launches
    from app.lti.errors import LtiRefused

    begun = browser.login()
    fields = {"state": begun.state, "id_token": platform.sign(platform.claims(begun.nonce, version="2"))}
    with pytest.raises(LtiRefused) as caught:
        launches.verify_launch(runtime, launches.find_login(runtime.database, fields), fields)
    assert caught.value.action is not None
    assert caught.value.action["href"].startswith("https://school.lms.example/back?c=2&lti_errormsg=The+launch")
    forged = fields | {"id_token": platform.sign(platform.claims(begun.nonce), key=STRANGER)}
    with pytest.raises(LtiRefused) as caught:
        launches.verify_launch(runtime, launches.find_login(runtime.database, forged), forged)
    assert caught.value.action is None


def test_every_refusal_has_a_slug_and_words_of_its_own() -> None:
    from app.lti import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LtiRefused)]
    assert len({kind.slug for kind in kinds}) == len(kinds)
    assert len({kind.sentence for kind in kinds}) == len(kinds)
    assert all(400 <= kind.status < 500 for kind in kinds)
    assert LTI not in "".join(kind.sentence + kind.title + kind.advice for kind in kinds)


@pytest.mark.parametrize(
    ("claim", "slug"), [("exp", "lti-token-malformed"), ("iat", "lti-token-clock"), ("nbf", "lti-token-malformed")]
)
def test_a_time_beyond_all_numbers_is_refused(
    browser: Browser, platform: Platform, database: Database, claim: str, slug: str
) -> None:
    """JSON's 1e999 is read as infinity."""

    def make(begun: Begun) -> str:
        text = json.dumps(platform.claims(begun.nonce, **{claim: "INFINITE"}))
        return platform.sign_raw(text.replace('"INFINITE"', "1e999").encode())

    refuse(browser, database, make, slug)


@pytest.mark.parametrize("extra", [{"d": "AQAB"}, {"alg": "none"}, {"use": "enc"}])
def test_a_platform_that_publishes_an_unfit_key_lets_nobody_in(
    browser: Browser, platform: Platform, database: Database, extra: dict[str, str]
) -> None:
    platform.jwks_answer = httpx2.Response(200, json={"keys": [{**KEY.as_dict(private=False), **extra}]})
    refuse(browser, database, lambda begun: platform.sign(platform.claims(begun.nonce)), "lti-token-key-unknown")
