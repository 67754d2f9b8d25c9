"""The page of switches, and the link in a mail that switches one kind off and on again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from app.core.audit import OPERATOR
from app.messages import preferences
from app.messages.kinds import EXPIRING, KINDS, WALLET
from app.people import erasing
from app.wiring import Services, personal_data
from tests.web.people import SignedIn, sign_in

PAGE = "/your-data/mail"


@pytest.fixture
def tess(services: Services, client: TestClient) -> SignedIn:
    return sign_in(services, client, "Tess")


@pytest.fixture
def link(services: Services, tess: SignedIn) -> str:
    """The link in a mail about a badge of hers that expires."""
    return preferences.switch_url(services.runtime.secret_box, "", tess.person_id, EXPIRING)


def unwanted(services: Services, person: SignedIn) -> set[str]:
    with services.runtime.database.read() as session:
        return set(preferences.unwanted(session, person.person_id))


def form(*wanted: str) -> dict[str, str]:
    """The form as a browser sends it: what it shows, and of that what is ticked."""
    shown = {f"shown-{kind.key}": "yes" for kind in KINDS if kind.switchable}
    return shown | {f"wanted-{key}": "yes" for key in wanted}


def test_your_data_leads_to_the_switches(tess: SignedIn) -> None:
    assert f'href="{tess.root}{PAGE}"' in tess.get("/your-data").text


def test_there_is_one_switch_for_each_kind_and_the_others_are_said(tess: SignedIn) -> None:
    answer = tess.get(PAGE)
    assert answer.headers["cache-control"] == "no-store"
    assert "tess@example.org" in answer.text
    for kind in KINDS:
        assert kind.title in answer.text
        assert (f'name="wanted-{kind.key}"' in answer.text) == kind.switchable
    assert answer.text.count(" checked") == sum(kind.switchable for kind in KINDS)


def test_what_is_not_ticked_is_switched_off_and_what_is_ticked_on_again(services: Services, tess: SignedIn) -> None:
    answer = tess.post(PAGE, form("credential_awarded", "work_returned"))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{tess.root}{PAGE}?saved=yes")
    off = {kind.key for kind in KINDS if kind.switchable} - {"credential_awarded", "work_returned"}
    assert unwanted(services, tess) == off
    page = tess.get(f"{PAGE}?saved=yes").text
    assert "Saved" in page
    assert page.count(" checked") == 2
    tess.post(PAGE, form(*off))
    assert unwanted(services, tess) == {"credential_awarded", "work_returned"}


def test_a_page_that_was_open_before_a_kind_was_new_does_not_switch_it_off(services: Services, tess: SignedIn) -> None:
    tess.post(PAGE, {"shown-work_returned": "yes"})
    assert unwanted(services, tess) == {"work_returned"}


def test_nothing_else_can_be_switched_off_by_a_form(services: Services, tess: SignedIn) -> None:
    tess.post(PAGE, form(*(kind.key for kind in KINDS)) | {f"shown-{WALLET.key}": "yes", "shown-nonsense": "yes"})
    assert unwanted(services, tess) == set()


def test_somebody_elses_session_and_a_form_from_elsewhere_change_nothing(
    services: Services, client: TestClient, tess: SignedIn
) -> None:
    robin = sign_in(services, client, "Robin")
    assert replace(robin, root=tess.root).post(PAGE, form()).status_code == 401
    assert tess.post(PAGE, form() | {"csrf": "x"}).status_code == 403
    assert tess.post(PAGE, form(), headers={"Origin": "https://evil.example"}).status_code == 403
    assert unwanted(services, tess) == set()


def test_opening_the_link_of_a_mail_changes_nothing_and_names_nobody(
    services: Services, client: TestClient, tess: SignedIn, link: str
) -> None:
    for _ in range(2):
        answer = client.get(link, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert EXPIRING.title in answer.text
    assert "Switch them off" in answer.text
    assert "Tess" not in answer.text
    assert "tess@example.org" not in answer.text
    assert client.head(link).status_code in (200, 405)
    assert unwanted(services, tess) == set()


def test_its_button_switches_that_kind_off_and_on_again(
    services: Services, client: TestClient, tess: SignedIn, link: str
) -> None:
    answer = client.post(link, data={"wanted": "no"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{link}?saved=yes")
    assert unwanted(services, tess) == {EXPIRING.key}
    page = client.get(f"{link}?saved=yes", headers={"Accept": "text/html"}).text
    assert "Switched off" in page
    assert "Switch them on" in page
    client.post(link, data={"wanted": "yes"})
    assert unwanted(services, tess) == set()
    assert "Switched on" in client.get(f"{link}?saved=yes", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize("files", [None, {"List-Unsubscribe": (None, "One-Click")}])
def test_a_mail_programs_own_button_works_without_a_browser(
    services: Services, client: TestClient, tess: SignedIn, link: str, files: dict[str, tuple[None, str]] | None
) -> None:
    """RFC 8058 §3.2: as a form of either kind, without cookies, from wherever the mail program is; no redirect."""
    body = {"files": files} if files else {"data": {"List-Unsubscribe": "One-Click"}}
    for _ in range(2):
        answer = client.post(link, headers={"Origin": "https://mail.example"}, **body)  # type: ignore[arg-type]
        assert answer.status_code == 200
        assert unwanted(services, tess) == {EXPIRING.key}


def test_another_sites_form_is_refused(services: Services, client: TestClient, tess: SignedIn, link: str) -> None:
    answer = client.post(link, data={"wanted": "no"}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert unwanted(services, tess) == set()


def test_a_link_that_is_cut_short_or_forged_or_of_somebody_erased_says_so(
    services: Services, client: TestClient, tess: SignedIn, link: str
) -> None:
    wrong = [link[:-5], "/mail/x", "/mail/...", link.replace("expiring", "wallet_bound"), "/mail/" + "x" * 3000]
    for each in wrong:
        for answer in (client.get(each, headers={"Accept": "text/html"}), client.post(each, data={"wanted": "no"})):
            assert answer.status_code == 404, each
    assert "This link does not work" in client.get(link[:-5], headers={"Accept": "text/html"}).text
    runtime = services.runtime
    erasing.erase_person(runtime.database, personal_data(runtime), tess.person_id, reason="asked", actor=OPERATOR)
    assert client.post(link, data={"wanted": "no"}).status_code == 404
    assert unwanted(services, tess) == set()


def test_the_address_of_a_link_is_not_in_the_log(
    client: TestClient, link: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client.get(link)
    client.post(link, data={"wanted": "no"})
    written = capsys.readouterr()
    assert link.rpartition(".")[2] not in written.err + written.out
