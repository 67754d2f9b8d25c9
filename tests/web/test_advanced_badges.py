"""The page of a badge that rests on others and is endorsed: how each stands, in words, under a verdict of its own."""

from __future__ import annotations

import html
import re

import pytest
from starlette.testclient import TestClient

from app.wiring import Services
from tests.web.advanced_badges import ADVANCED, chained, endorsed, everything, standing
from tests.web.badge_states import Stage

HTML = {"Accept": "text/html"}
ITEM = re.compile(
    r'<p class="check__name">(.*?)<span class="check__result">(.*?)</span></p>\s*<p class="check__detail">(.*?)</p>',
    re.DOTALL,
)


@pytest.fixture
def stage(services: Services) -> Stage:
    return Stage(services)


def section(client: TestClient, path: str, name: str) -> str:
    page = html.unescape(client.get(path, headers=HTML).text)
    (found,) = re.findall(rf'<section [^>]*aria-labelledby="{name}-title">(.*?)</section>', page, re.DOTALL)
    return str(found)


def items(text: str) -> list[tuple[str, str, str]]:
    """What is listed: its name, how it stands, and why."""
    plain = [[re.sub(r"<[^>]+>", "", part).strip() for part in found] for found in ITEM.findall(text)]
    return [(name, result, detail) for name, result, detail in plain]


@pytest.mark.parametrize("state", ADVANCED)
def test_whatever_hangs_on_it_the_badge_has_its_own_verdict(stage: Stage, client: TestClient, state: str) -> None:
    make, words = ADVANCED[state]
    page = client.get(make(stage), headers=HTML)
    assert page.status_code == 200
    (title,) = re.findall(r"<h1[^>]*>([^<]*)</h1>", page.text)
    assert title == words


def test_each_badge_it_rests_on_says_how_it_stands_now(stage: Stage, client: TestClient) -> None:
    listed = items(section(client, chained(stage), "grounds"))
    assert [(name, result) for name, result, _ in listed] == [
        ("What Makes IPS, IPS", "Valid"),
        ("What Makes IPS, IPS", "Revoked"),
        ("What Makes IPS, IPS", "Suspended"),
        ("A badge that its holder has not shared", "Could not check"),
        ("A document it was judged by", "Unchanged"),
        ("A document it was judged by", "Could not check"),
    ]
    assert re.fullmatch(r"From Orygen, awarded on \d+ \w+ \d{4}\. It is signed by .*", listed[0][2])
    assert listed[3][2].endswith("Ask the holder to share it.")


def test_a_ground_of_ours_leads_to_its_own_page_and_one_that_is_not_shared_leads_nowhere(
    stage: Stage, client: TestClient
) -> None:
    text = section(client, chained(stage), "grounds")
    ours = re.findall(r'href="http://tool\.localhost:8000(/credentials/[0-9a-f-]{36})"', text)
    assert len(ours) == 3
    for path, words in zip(ours, ("Valid", "Revoked: do not rely on it", "Suspended"), strict=True):
        assert words in client.get(path, headers=HTML).text
    assert ".json" not in text.replace("gone.invalid/framework.json", "")


def test_fallen_grounds_are_said_right_under_the_verdict(stage: Stage, client: TestClient) -> None:
    page = client.get(chained(stage), headers=HTML).text
    (verdict,) = re.findall(r'<section class="verdict.*?</section>', page, re.DOTALL)
    assert "2 of the 4 badges it rests on no longer stand." in verdict
    assert 'href="#grounds-title"' in verdict
    (verdict,) = re.findall(
        r'<section class="verdict.*?</section>', client.get(everything(stage), headers=HTML).text, re.DOTALL
    )
    assert "1 of the 3 badges it rests on no longer stands." in verdict
    assert "no longer stand" not in client.get(standing(stage), headers=HTML).text


def test_each_endorsement_has_its_own_verdict_and_only_a_good_one_is_quoted(stage: Stage, client: TestClient) -> None:
    text = section(client, endorsed(stage), "endorsements")
    listed = items(text)
    assert [result for _, result, _ in listed] == ["Valid, issuer not known to us", "Not valid", "Not valid"]
    assert listed[0][0] == "An issuer without a web address, about this badge"
    assert text.count("<blockquote") == 1
    assert "Peak Body of Claims" not in text, "what a stranger calls itself"
