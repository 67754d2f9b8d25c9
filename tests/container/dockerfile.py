"""Follows a Dockerfile without a Docker engine: the same files, the same commands, in a folder of one's own."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    """One stage: its instructions in order."""

    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def values(self, word: str) -> list[str]:
        """The arguments of every instruction of this word."""
        return [arguments for each, arguments in self.instructions if each == word]


def parse(path: Path) -> dict[str, Stage]:
    """The stages of a Dockerfile by name; comments and line continuations are seen to."""
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE)
    text = re.sub(r"\\\n\s*", "", text)
    stages: dict[str, Stage] = {}
    current: Stage | None = None
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, arguments = line.partition(" ")
        if word == "FROM":
            current = Stage(arguments.split(" AS ")[1])
            stages[current.name] = current
        assert current is not None, "a Dockerfile begins with FROM"
        current.instructions.append((word, arguments))
    return stages


def follow(stage: Stage, source: Path, root: Path) -> None:
    """Copy and run what the stage says, with ROOT as the image's root.

    Args:
        stage: a stage that copies from the build context only.
        source: the build context: what git tracks, as a fresh clone has it.
        root: takes the place of `/`.
    """
    folder = root
    environment = {"PATH": os.environ["PATH"], "HOME": str(root), "ROOT": str(root)}
    # How this machine reaches its package registry belongs to the machine, not to the image.
    environment |= {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "UV_", "SSL_"))}
    for word, arguments in stage.instructions:
        expanded = arguments.replace("${ROOT}", str(root))
        if word == "WORKDIR":
            folder = Path(expanded)
            folder.mkdir(parents=True, exist_ok=True)
        elif word == "COPY":
            *sources, target = shlex.split(expanded)
            for each in sources:
                _copy(source / each, folder / target, keep_name=len(sources) > 1 or target.endswith("./"))
        elif word == "RUN":
            subprocess.run(["/bin/sh", "-c", expanded], cwd=folder, env=environment, check=True)


def _copy(source: Path, target: Path, *, keep_name: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        target.mkdir(parents=True, exist_ok=True) if keep_name else None
        shutil.copy(source, target / source.name if keep_name else target)
