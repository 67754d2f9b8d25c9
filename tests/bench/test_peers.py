"""A peer that does less than it should would make its figure worthless: each does the real work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import func, select

from app.cli.bench_proofs import Pyld, _pyld, verify
from app.cli.bench_sample import SampleIssuer
from app.core.clock import now
from app.core.db import Database
from app.issuer.models import Credential, CredentialVersion
from app.vc import json_text
from app.vc.canonicalization import canonicalize, check_issuable
from app.wiring import Services
from bench import certificates
from bench.node_peer import HOME, STACKS, NodePeer
from bench.page import _issue, fill
from bench.platform_stub import Platform

needs_node = pytest.mark.skipif(
    not (HOME / "installed.json").exists(), reason="the Node peers are not installed: make bench installs them"
)


def test_the_sample_badge_is_of_the_size_that_the_page_says() -> None:
    document = SampleIssuer().unsigned()
    check_issuable(document)
    lines = canonicalize(document).split("\n")[:-1]
    blank = {word for line in lines for word in line.split(" ") if word.startswith("_:")}
    assert 5_500 < len(json_text.dumps(document)) < 6_500
    assert (len(lines), len(blank)) == (154, 13)


def test_no_two_sample_badges_are_the_same() -> None:
    issuer = SampleIssuer()
    assert len({json.dumps(issuer.unsigned()) for _ in range(50)}) == 50


def test_pyld_signs_what_we_verify_and_verifies_what_we_sign() -> None:
    issuer, normalize = SampleIssuer(), _pyld()
    assert normalize is not None
    peer = Pyld(issuer, normalize)
    verify(issuer, peer.sign(issuer.unsigned()))
    peer.verify(json_text.dumps(issuer.sign(issuer.unsigned(), now())))


@needs_node
@pytest.mark.parametrize("stack", STACKS)
def test_a_node_peer_signs_what_we_verify_and_verifies_what_we_sign(stack: str) -> None:
    issuer = SampleIssuer()
    secured = json_text.dumps(issuer.sign(issuer.unsigned(), now()))
    with NodePeer(stack, badges=[issuer.unsigned()], secured=[secured], signer=issuer.embedded) as peer:
        verify(issuer, peer.sign_one())
        assert len(peer.subject("verify", warm_up=1).run(1)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("cached", [False, True])
def test_the_flask_peer_lets_a_signed_launch_in_and_no_other(
    cached: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("flask", reason="the peer is a Flask tool")
    from pylti1p3.exception import LtiException

    from bench.flask_tool import configure, create

    platform = Platform("https://waymark.example.org/modules/M01")
    certificate, authorities = certificates.make(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authorities))
    with platform.server(certificate) as keys:
        tool = create(configure(tmp_path, f"https://127.0.0.1:{keys.port}/jwks"), 80, cached=cached)
        tool.testing = True
        client = tool.test_client()
        assert _launch(client, platform).get_json()["name"] == "Learner 1"
        stranger = Platform(platform.target)
        with pytest.raises(LtiException):
            _launch(client, stranger)


def _launch(client: Any, platform: Platform) -> Any:
    login = client.post("/lti/login", data=platform.login_fields())
    asked = parse_qs(urlsplit(login.headers["Location"]).query)
    form = {"state": asked["state"][0], "id_token": platform.id_token(asked["nonce"][0])}
    return client.post("/lti/launch", data=form)


def test_filling_adds_just_so_many_rows_and_leaves_the_real_badge_alone(services: Services) -> None:
    database: Database = services.runtime.database
    badge = _issue(services, 0)
    with database.read() as session:
        before = session.get_one(CredentialVersion, (badge, 1)).document
    fill(database, badge, 25)
    with database.read() as session:
        assert session.exec(select(func.count()).select_from(Credential)).one() == 26
        assert session.exec(select(func.count()).select_from(CredentialVersion)).one() == 26
        assert session.get_one(CredentialVersion, (badge, 1)).document == before
