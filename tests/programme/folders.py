"""Copies of the IPS programme that tests may spoil."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

from PIL import Image, ImageDraw

IPS = Path(__file__).resolve().parents[2] / "programme" / "ips"
PLAIN_BANK = Path(__file__).parent / "plain" / "knowledge-check.yaml"


def with_one_published(into: Path) -> Path:
    """A copy without pathways, in which every module but the first is a draft: a test can be about one module.

    The first is at version 1 there, with a bank of its own in which each option is one line, and without a word of
    renewal.
    """
    copy = Path(shutil.copytree(IPS, into / "ips", ignore=shutil.ignore_patterns("pathways")))
    first = copy / "modules" / "M01"
    shutil.copy(PLAIN_BANK, first / "knowledge-check.yaml")
    module = (first / "module.yaml").read_text(encoding="utf-8")
    module = re.sub(r"\nversion: \d+\n", "\nversion: 1\n", module, count=1)
    module = re.sub(r"\nrenewal: .*?\n(?=whatToLeaveOut)", "\n", module, flags=re.DOTALL)
    (first / "module.yaml").write_text(module, encoding="utf-8")
    for file in sorted(copy.glob("modules/*/module.yaml")):
        text = file.read_text(encoding="utf-8").replace("prerequisites: [practitioner", "prerequisites: [M01")
        if "\nstatus: " not in text and file.parent.name != "M01":
            text = re.sub(r"\nversion: (\d+)\n", r"\nversion: \1\nstatus: draft\n", text, count=1)
        file.write_text(text, encoding="utf-8")
    return copy


def a_picture(form: str = "PNG", size: tuple[int, int] = (1200, 800), **options: object) -> bytes:
    """A door, invented and drawn here: no programme that ships shows a picture."""
    image = Image.new("RGB", size, "#dfe7e2")
    draw = ImageDraw.Draw(image)
    draw.rectangle((size[0] // 3, size[1] // 6, size[0] * 2 // 3, size[1]), fill="#2f6f5e")
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def show_picture(module: Path, name: str = "door.png", content: bytes | None = None) -> int:
    """Put a picture below the first paragraph of a module's first lesson, and give the line it stands in."""
    (module / "media").mkdir(exist_ok=True)
    (module / "media" / name).write_bytes(a_picture() if content is None else content)
    lesson = min((module / "lessons").glob("*.md"))
    begin, rest = lesson.read_text(encoding="utf-8").split("\n\n", 1)
    shown = f'![A green door, half open](media/{name} "The door of the *first* office")'
    lesson.write_text(f"{begin}\n\n{shown}\n\n{rest}", encoding="utf-8")
    return begin.count("\n") + 3


def pathway_version(key: str) -> int:
    """The version that a pathway's file is at; no test names it."""
    found = re.search(r"^version: (\d+)$", (IPS / "pathways" / f"{key}.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return int(found[1])


def module_version(key: str) -> int:
    """The version that a module's file is at; no test names it."""
    text = (IPS / "modules" / key / "module.yaml").read_text(encoding="utf-8")
    found = re.search(r"^version: (\d+)$", text, re.MULTILINE)
    assert found is not None
    return int(found[1])


def next_version(module: Path) -> int:
    """Raise the version of a module's files by one, as whoever changes something in them must."""
    text = (module / "module.yaml").read_text(encoding="utf-8")
    found = re.search(r"^version: (\d+)$", text, re.MULTILINE)
    assert found is not None
    (module / "module.yaml").write_text(text.replace(found[0], f"version: {int(found[1]) + 1}", 1), encoding="utf-8")
    return int(found[1]) + 1
