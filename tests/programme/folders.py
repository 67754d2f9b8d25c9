"""Copies of the IPS programme that tests may spoil."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

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
