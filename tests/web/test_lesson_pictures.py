"""The pictures of lessons come from our own address, under every version that shows them, and nothing else does."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.programme import service
from app.web.preview import create_preview
from app.wiring import Services
from tests.programme.folders import IPS, a_picture, next_version, show_picture

FIRST, SECOND = a_picture(), a_picture("JPEG", (600, 400))


@pytest.fixture
def folder(services: Services, tmp_path: Path) -> Path:
    """The programme's files with a picture in the next version of M01, which is loaded."""
    copy = Path(shutil.copytree(IPS, tmp_path / "ips"))
    show_picture(copy / "modules/M01", "door.png", FIRST)
    next_version(copy / "modules/M01")
    load(services, copy)
    return copy


def load(services: Services, folder: Path) -> None:
    with services.runtime.database.write() as session:
        service.store(session, service.load_programme(folder))


def address_now(services: Services) -> str:
    """Of the picture that the newest version of M01 shows last."""
    with services.runtime.database.read() as session:
        text = service.current_module(session, "M01").activities[0].body_markdown
    found: list[str] = re.findall(r"!\[.*\]\((\S+) ", text)
    return found[-1]


def test_a_picture_is_served_to_anybody_and_may_be_kept_for_good(
    services: Services, client: TestClient, folder: Path
) -> None:
    address = address_now(services)
    answer = client.get(address)
    assert (answer.status_code, answer.content) == (200, FIRST)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers
    assert client.head(address).content == b""
    assert client.get(address, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_a_picture_stays_for_whoever_began_under_its_version(
    services: Services, client: TestClient, folder: Path
) -> None:
    first = address_now(services)
    lesson = min((folder / "modules/M01/lessons").glob("*.md"))
    lesson.write_text(lesson.read_text(encoding="utf-8").replace("media/door.png", "media/door.jpg"), encoding="utf-8")
    (folder / "modules/M01/media/door.png").unlink()
    (folder / "modules/M01/media/door.jpg").write_bytes(SECOND)
    next_version(folder / "modules/M01")
    load(services, folder)
    second = address_now(services)
    assert [client.get(address).content for address in (first, second)] == [FIRST, SECOND]
    assert client.get(second).headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("old", "new"),
    [("M01", "M02"), ("/media/", "/media/0"), (".png", ".svg"), (".png", ""), ("1200x", "1201x"), ("M01/", "M01/9")],
)
def test_no_other_address_has_a_picture(
    services: Services, client: TestClient, folder: Path, old: str, new: str
) -> None:
    assert client.get(address_now(services).replace(old, new, 1)).status_code == 404


def test_the_preview_shows_the_picture_of_a_draft(services: Services, folder: Path) -> None:
    with TestClient(create_preview(folder), base_url="http://127.0.0.1:8020") as author:
        address = address_now(services)
        answer = author.get(address)
        assert (answer.content, answer.headers["content-type"]) == (FIRST, "image/png")
        assert author.get(address.replace("1200x", "1201x")).status_code == 404
        assert author.get(address.replace("M01", "M99")).status_code == 404
