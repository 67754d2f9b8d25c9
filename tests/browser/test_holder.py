"""The holder's pages in a real browser: how they look, in print too, and that they work in an LMS's frame."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Frame, Page, expect

from app.config import load_settings
from app.core.audit import OPERATOR
from app.core.clock import now
from app.issuer import service as issuer
from app.issuer.schemas import IssueRequest
from app.lti import registrations
from app.people import service as people
from app.programme import service as programme
from app.wiring import Services, bind
from practice_lms.catalogue import TESS
from tests.browser.conftest import be, follow, launch, settle
from tests.browser.stack import DemoStack, start_demo
from tests.browser.test_carriers import Cookieless
from tests.browser.test_pages_look import Look, in_a_window
from tests.browser.test_story import assert_accessible, press, tick
from tests.wallets import Wallet

NewContext = Callable[..., BrowserContext]
Picture = Callable[[Page, str], None]
A4_ON_ITS_SIDE = b"/MediaBox [0 0 841.9"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStack]:
    """A demo of this file's own: others count Tess's badges."""
    stack = start_demo(tmp_path_factory.mktemp("holder"))
    yield stack
    assert stack.stop() == 0


@pytest.fixture
def look(new_context: NewContext) -> Look:
    return Look(new_context(width=360, height=780, reduced_motion="reduce").new_page())


@pytest.fixture
def services(demo: DemoStack) -> Iterator[Services]:
    """The demo's rooms, bound in this process too."""
    services = bind(load_settings(data_dir=Path(demo.environment["WAYMARK_DATA_DIR"])))
    yield services
    services.runtime.database.dispose()


def award(services: Services, *keys: str) -> list[str]:
    """Badges for Tess, who has opened Waymark before; their ids."""
    runtime = services.runtime
    with runtime.database.read() as session:
        [registration] = registrations.list_registrations(session)
        tess = people.person_by_lms_identity(session, registration_id=registration.id, subject=TESS.sub)
        module = programme.current_module(session, "M01")
    assert tess is not None
    moment = now().replace(microsecond=0)
    return [
        issuer.issue(
            runtime.database, runtime.secret_box, runtime.settings.base_url,
            IssueRequest(
                idempotency_key=f"holder-pages:{key}", issuer_key="orygen", achievement_key="M01",
                achievement_version=module.version, person_id=tess.id, recipient_email=TESS.email,
                awarded_at=moment, valid_until=moment + timedelta(days=900),
                results=tuple((criterion.key, 3) for criterion in module.rubric.criteria),
            ),
        ).credential_id
        for key in keys
    ]  # fmt: skip


def test_the_holders_pages_look_right(demo: DemoStack, look: Look, services: Services, picture: Picture) -> None:
    root = in_a_window(look, demo, "Tess")
    page = look.page
    with services.runtime.database.read() as session:
        [registration] = registrations.list_registrations(session)
        tess = people.person_by_lms_identity(session, registration_id=registration.id, subject=TESS.sub)
        assert tess is not None
        if not issuer.credentials_of(session, tess.id):
            look.at(f"{root}/badges")
            expect(page.get_by_text("An assessor reads it.")).to_be_visible()
            look.at(f"{root}/badges/links")
    plain, suspended, revoked = award(services, "plain", "suspended", "revoked")
    runtime = services.runtime
    with runtime.database.write() as session:
        issuer.suspend(session, suspended, reason="to be looked at", actor=OPERATOR)
    issuer.revoke(
        runtime.database, runtime.secret_box, runtime.settings.base_url, credential_id=revoked,
        reason="to be looked at", actor=OPERATOR,
    )  # fmt: skip
    for path in ("", f"/{plain}", f"/{suspended}", f"/{revoked}", f"/{plain}/certificate", f"/{revoked}/certificate"):
        look.at(f"{root}/badges{path}")
    page.goto(f"{root}/badges/{plain}")
    follow(page.get_by_role("button", name="Share this badge"))
    expect(page.get_by_text("Your badge is shared", exact=True)).to_be_visible()
    look.here("a badge just shared")
    follow(page.get_by_role("button", name="Show my name: Tess Nguyen"))
    expect(page.get_by_text("Your badge now shows your name", exact=True)).to_be_visible()
    for fold in page.locator("summary").all():
        fold.click()
    look.here("a badge with a name")
    picture(page, "holder-badge")
    look.at(issuer.claim_url(runtime.secret_box, demo.tool, plain))
    look.at(f"{root}/badges/{plain}/certificate")
    look.at(issuer.claim_url(runtime.secret_box, demo.tool, plain) + "/certificate")
    page.goto(f"{root}/badges/links")
    follow(page.get_by_role("button", name="Make the link"))
    expect(page.get_by_role("alert")).to_contain_text("Choose at least one badge")
    look.here("a link to nothing")
    for badge in (plain, suspended, revoked):
        page.locator(f"[name='badge-{badge}']").check()
    page.get_by_label("7 days").check()
    follow(page.get_by_role("button", name="Make the link"))
    expect(page.get_by_text("Your link is ready")).to_be_visible()
    look.here("a link just made")
    link = page.get_by_label("Link to send").first.input_value()
    for path in ("", "/1", "/2", "/3"):
        look.at(f"{link}{path}")
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("1 of 3 badges is valid")
    picture(page, "holder-link")
    page.goto(f"{root}/badges/links")
    follow(page.get_by_role("button", name="End this link").first)
    page.locator("summary", has_text="Links that are over").click()
    look.here("a link just ended")
    look.at(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("This link shows nothing")


def test_a_certificate_is_one_a4_page_with_everything_on_it(
    demo: DemoStack, look: Look, services: Services, picture: Picture, tmp_path: Path
) -> None:
    root = in_a_window(look, demo, "Tess")
    [badge] = award(services, "certificate")
    page = look.page
    page.goto(f"{root}/badges/{badge}/certificate")
    follow(page.get_by_role("button", name="Share it and show the certificate"))
    expect(page.get_by_role("button", name="Print this page")).to_be_visible()
    for named in (False, True):
        if named:
            page.goto(f"{root}/badges/{badge}")
            follow(page.get_by_role("button", name="Show my name: Tess Nguyen"))
            page.goto(f"{root}/badges/{badge}/certificate")
            expect(page.locator(".certificate__holder")).to_have_text("Tess Nguyen")
        page.emulate_media(media="print")
        pdf = page.pdf(prefer_css_page_size=True, print_background=True)
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
        assert A4_ON_ITS_SIDE in pdf
        page.set_viewport_size({"width": 1123, "height": 794})  # A4 on its side at 96 dots an inch
        assert_accessible(page, "certificate in print")
        assert page.evaluate(CUT_OFF) == []
        for hidden in (".site-header", ".site-nav", "button", ".breadcrumb"):
            assert all(not each.is_visible() for each in page.locator(hidden).all()), hidden
        expect(page.locator(".certificate")).to_contain_text(f"{demo.tool}/credentials/{badge}")
        picture(page, f"holder-certificate{'-named' if named else ''}")
        page.emulate_media(media="screen")


# What is within the certificate and yet not within its frame, or on top of something else of it.
CUT_OFF = """() => {
  const sheet = document.querySelector(".certificate").getBoundingClientRect();
  const parts = [...document.querySelectorAll(".certificate > *")].map((e) => [e.className, e.getBoundingClientRect()]);
  const inside = (b) => b.left >= sheet.left + 30 && b.right <= sheet.right - 30 && b.top >= sheet.top + 30
    && b.bottom <= sheet.bottom - 30;
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return [
    ...parts.filter(([, box]) => !inside(box)).map(([name]) => name),
    ...parts.flatMap(([name, box], n) => parts.slice(n + 1).filter(([, other]) => meet(box, other))
      .map(([other]) => `${name} on ${other}`)),
  ];
}"""


def test_a_long_name_still_fits_the_page(demo: DemoStack, look: Look, services: Services) -> None:
    root = in_a_window(look, demo, "Tess")
    [badge] = award(services, "long-name")
    page = look.page
    page.goto(f"{root}/badges/{badge}/certificate")
    follow(page.get_by_role("button", name="Share it and show the certificate"))
    expect(page.get_by_label("QR code that leads to the badge")).to_be_visible()
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 1123, "height": 794})
    page.evaluate("""() => {
      const holder = document.createElement("p");
      holder.className = "certificate__holder certificate__holder--long";
      holder.textContent = "Wolfeschlegelsteinhausen ".repeat(8);
      document.querySelector(".certificate__lead").after(holder);
      const name = document.querySelector(".certificate__name");
      name.classList.add("certificate__name--long");
      name.textContent = "Working With Employers Who Have Never Hired Through a Service Like Ours Before";
    }""")
    assert page.evaluate(CUT_OFF) == []
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


def do_everything(page: Page, frame: Frame, folder: Path) -> str:
    """Share, name, undo, download, see the certificate and make a link, in the frame; the link."""
    press(page, frame.get_by_role("button", name="Share this badge"))
    expect(frame.get_by_text("Your badge is shared", exact=True)).to_be_visible()
    press(page, frame.get_by_role("button", name="Undo"))
    expect(frame.get_by_text("Your badge is hidden", exact=True)).to_be_visible()
    press(page, frame.get_by_role("button", name="Undo"))
    expect(frame.get_by_text("Your badge is shared", exact=True)).to_be_visible()
    press(page, frame.get_by_role("button", name="Show my name: Tess Nguyen"))
    expect(frame.get_by_text("Your badge now shows your name", exact=True)).to_be_visible()
    press(page, frame.get_by_role("button", name="Undo"))
    expect(frame.get_by_text("Your name is off the badge", exact=True)).to_be_visible()
    with page.expect_download() as started:
        press(page, frame.get_by_role("link", name=re.compile("SVG")))
    started.value.save_as(folder / "badge.svg")
    assert b"openbadges:credential" in (folder / "badge.svg").read_bytes()
    press(page, frame.get_by_role("link", name="Certificate to print"))
    expect(frame.get_by_label("QR code that leads to the badge")).to_be_visible()
    expect(frame.get_by_role("button", name="Print this page")).to_be_visible()
    assert_accessible(frame, "certificate in a frame")
    press(page, frame.get_by_role("link", name="Back to my badge"))
    press(page, frame.get_by_role("link", name="Show it by a link"))
    expect(frame.get_by_role("checkbox", checked=True)).to_have_count(1)
    tick(page, frame.get_by_label("90 days"))
    press(page, frame.get_by_role("button", name="Make the link"))
    expect(frame.get_by_text("Your link is ready")).to_be_visible()
    assert_accessible(frame, "links in a frame")
    return frame.locator(".links__new input[type=url]").input_value()


def open_badge(page: Page, frame: Frame, badge: str) -> None:
    """Open one badge from the list of all."""
    press(page, frame.get_by_role("link", name="My badges").first)
    expect(frame.get_by_role("heading", level=1)).to_have_text("My badges")
    settle(page)
    frame.locator(f"a[href$='/badges/{badge}']").click()
    expect(frame.get_by_role("heading", name="Who can see it")).to_be_visible()


def see_it_as_a_stranger(new_context: NewContext, link: str) -> None:
    """The link, in a browser that has never been here."""
    helen = new_context(java_script_enabled=False).new_page()
    answer = helen.goto(link)
    assert answer is not None
    assert answer.status == 200
    expect(helen.get_by_role("heading", level=1)).to_have_text("Valid")
    helen.get_by_role("link", name="What Makes IPS, IPS").click()
    expect(helen.get_by_role("heading", name="How we checked")).to_be_visible()


def test_everything_works_in_the_frame_by_the_cookie(
    demo: DemoStack, new_context: NewContext, services: Services, tmp_path: Path
) -> None:
    page = new_context(accept_downloads=True).new_page()
    be(page, demo, "Tess")
    frame = launch(page, demo)
    [badge] = award(services, "by-cookie")
    open_badge(page, frame, badge)
    see_it_as_a_stranger(new_context, do_everything(page, frame, tmp_path))


def test_everything_works_in_the_frame_without_one_cookie(
    demo: DemoStack, new_context: NewContext, services: Services, tmp_path: Path
) -> None:
    tess = Cookieless(new_context(accept_downloads=True), demo)
    frame = tess.launch()
    [badge] = award(services, "by-header")
    open_badge(tess.page, frame, badge)
    see_it_as_a_stranger(new_context, do_everything(tess.page, frame, tmp_path))
    tess.check()


def test_the_link_of_the_mail_does_it_all_without_scripts(
    demo: DemoStack, new_context: NewContext, services: Services
) -> None:
    opener = new_context().new_page()
    be(opener, demo, "Tess")
    launch(opener, demo)
    [badge] = award(services, "by-mail")
    page = new_context(width=360, height=780, java_script_enabled=False).new_page()
    page.goto(issuer.claim_url(services.runtime.secret_box, demo.tool, badge))
    page.get_by_role("button", name="Share this badge").click()
    expect(page.get_by_text("Your badge is shared", exact=True)).to_be_visible()
    page.get_by_role("button", name="Show my name: Tess Nguyen").click()
    expect(page.get_by_text("Your badge now shows your name", exact=True)).to_be_visible()
    page.get_by_role("link", name="Certificate to print").click()
    expect(page.get_by_label("QR code that leads to the badge")).to_be_visible()
    expect(page.get_by_role("button", name="Print this page")).to_be_hidden()
    page.get_by_role("link", name="Back to my badge").click()
    page.get_by_role("button", name="Hide this badge").click()
    expect(page.get_by_text("Your badge is hidden", exact=True)).to_be_visible()


def test_the_pages_for_links_by_mail_and_for_wallets_look_right_and_work(
    demo: DemoStack, look: Look, services: Services, picture: Picture
) -> None:
    in_a_window(look, demo, "Tess")  # so that we know her
    page, runtime = look.page, services.runtime
    (badge,) = award(services, "by mail")
    claim = issuer.claim_url(runtime.secret_box, demo.tool, badge)
    page.goto(claim)
    follow(page.get_by_role("link", name="Show it by a link"))
    look.here("no link by mail yet")
    page.get_by_label("7 days").check()
    follow(page.get_by_role("button", name="Make the link"))
    expect(page.get_by_text("Your link is ready")).to_be_visible()
    look.here("a link by mail")
    picture(page, "holder-mailed-link")
    shown = page.get_by_label("Link to send").input_value()
    follow(page.get_by_role("button", name="End this link"))
    expect(page.get_by_text("The link has ended")).to_be_visible()
    page.get_by_text("Links that are over").click()
    look.here("a link by mail that is over")
    closed = page.context.new_page().goto(shown)
    assert closed is not None
    assert closed.status == 410
    page.goto(claim)
    page.get_by_text("For people with a digital wallet").click()
    follow(page.get_by_role("link", name="Bind this badge to my wallet"))
    page.get_by_text("What your wallet has to sign").click()
    look.here("a wallet to be bound")
    picture(page, "holder-wallet")
    follow(page.get_by_role("button", name="Bind my badge"))
    expect(page.get_by_role("alert")).to_contain_text("Your badge was not bound")
    look.said = [said for said in look.said if "status of 400" not in said]
    look.here("no proof was given")
    wallet = Wallet()
    challenge, domain = (page.get_by_label(name, exact=True).input_value() for name in ("Challenge", "Domain"))
    page.get_by_label("What your wallet gave you").fill(wallet.presentation(challenge, domain))
    follow(page.get_by_role("button", name="Bind my badge"))
    expect(page.get_by_text("Your badge is bound to your wallet", exact=True)).to_be_visible()
    look.here("a wallet that is bound")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Your wallet is off the badge", exact=True)).to_be_visible()
