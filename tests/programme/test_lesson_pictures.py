"""Pictures beside a module's texts: what the check refuses, and what is kept of those that can be shown."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from app.core.db import Database
from app.core.markdown import render
from app.programme import documents, lesson_pictures, service
from app.programme.errors import Problem, ProgrammeInvalid
from tests.programme.folders import a_picture, show_picture

LESSON = "modules/M01/lessons/01-what-makes-ips-ips.md"
WEBP = a_picture("WEBP")


def _with_place() -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "S"
    return a_picture("JPEG", exif=exif)


def _on_its_side() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return a_picture("JPEG", exif=exif)


def _moving() -> bytes:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    return a_picture("PNG", (20, 20), save_all=True, append_images=frames)


def _problems(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(ProgrammeInvalid) as caught:
        service.load_programme(folder)
    return caught.value.problems


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("door.png", a_picture("JPEG"), "is JPEG by its content: let its name end in .jpg"),
        ("door.jpg", a_picture("WEBP"), "is WEBP by its content: let its name end in .webp"),
        ("door.gif", a_picture("GIF"), "no picture we can show: save it as PNG, JPEG or WebP"),
        ("door.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "no picture we can show"),
        ("door.png", b"no picture", "no picture we can show"),
        ("door.png", b"", "no picture we can show"),
        ("door.png", a_picture()[:-200], "damaged"),
        ("door.png", a_picture() + b"x" * 2_000_000, "larger than 2 MB"),
        ("door.png", a_picture("PNG", (5_001, 10)), "5001 by 10 pixels"),
        ("door.png", _moving(), "moves"),
        ("door.jpg", _with_place(), "says where it was taken"),
    ],
)
def test_a_picture_that_cannot_be_shown_is_told_where_it_is_named(
    folder: Path, name: str, content: bytes, told: str
) -> None:
    line = show_picture(folder / "modules/M01", name, content)
    (problem,) = _problems(folder)
    assert (problem.file, problem.line) == (LESSON, line)
    assert problem.message.startswith(f"the picture `media/{name}` ")
    assert told in problem.message


def test_the_pictures_of_a_module_have_a_bound_together(folder: Path) -> None:
    for number in range(3):
        # What follows a picture's end is never decoded, so this is the quickest way to large ones that differ.
        show_picture(folder / "modules/M01", f"{number}.png", a_picture() + bytes([number]) * 1_900_000)
    (problem,) = _problems(folder)
    assert problem.file == "modules/M01/module.yaml"
    assert "larger than 5 MB together" in problem.message


def test_a_picture_that_no_text_shows_is_told(folder: Path) -> None:
    show_picture(folder / "modules/M01")
    (folder / "modules/M01/media/window.png").write_bytes(a_picture())
    assert _problems(folder) == (
        Problem("modules/M01/media/window.png", 1, "no activity in module.yaml uses this file"),
    )


@pytest.mark.parametrize(
    ("name", "content", "size"),
    [
        ("door.png", a_picture(), (1200, 800)),
        ("door.jpeg", _on_its_side(), (800, 1200)),
        ("Door_2.webp", WEBP, (1200, 800)),
    ],
)
def test_a_picture_is_kept_with_its_module_and_named_by_its_address(
    folder: Path, database: Database, name: str, content: bytes, size: tuple[int, int]
) -> None:
    show_picture(folder / "modules/M01", name, content)
    with database.write() as session:
        service.store(session, service.load_programme(folder))
    with database.read() as session:
        module = service.current_module(session, "M01")
    (picture,) = module.media
    assert (picture.sha256, picture.width, picture.height) == (hashlib.sha256(content).hexdigest(), *size)
    known = lesson_pictures.found(module.media, lesson_pictures.file_name(picture))
    assert known == (content, picture.media_type)
    address = lesson_pictures.path_of("M01", module.version, picture)
    assert f']({address} "The door' in module.activities[0].body_markdown
    assert documents.with_digest(module).digest == module.digest


def test_another_picture_under_the_same_name_is_another_version(folder: Path, database: Database) -> None:
    show_picture(folder / "modules/M01")
    first = service.load_programme(folder).modules[0]
    (folder / "modules/M01/media/door.png").write_bytes(a_picture(size=(600, 400)))
    assert service.load_programme(folder).modules[0].digest != first.digest


def test_a_picture_may_be_named_once_and_shown_by_that_name(folder: Path) -> None:
    show_picture(folder / "modules/M01")
    lesson = folder / LESSON
    text = lesson.read_text(encoding="utf-8").replace('(media/door.png "The door of the *first* office")', "[door]")
    lesson.write_text(text + '\n[door]: media/door.png "The door"\n', encoding="utf-8")
    module = service.load_programme(folder).modules[0]
    assert "<figcaption>The door</figcaption>" in render(module.activities[0].body_markdown)


def test_a_picture_is_a_figure_with_its_words_its_size_and_its_caption(folder: Path) -> None:
    show_picture(folder / "modules/M01")
    module = service.load_programme(folder).modules[0]
    address = lesson_pictures.path_of("M01", module.version, module.media[0])
    assert (
        f'<figure><img src="{address}" alt="A green door, half open" width="1200" height="800" loading="lazy">'
        "<figcaption>The door of the *first* office</figcaption></figure>"
    ) in render(module.activities[0].body_markdown)


def test_no_text_of_somebody_elses_becomes_a_figure() -> None:
    html = render('![x" onerror="alert(1)](https://example.org/a.png "<b>")')
    assert "<figure" not in html
    assert "onerror=" not in html.replace("onerror=&quot;", "")


def test_where_a_films_captions_are_can_be_read_next_to_it() -> None:
    assert render('See [the film](https://example.org/a.mp4 "Captions: English <auto>"), all of it.') == (
        '<p>See <a href="https://example.org/a.mp4" rel="noopener noreferrer">the film</a> '
        "(Captions: English &lt;auto&gt;), all of it.</p>\n"
    )
