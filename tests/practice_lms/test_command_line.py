"""What the command line and the environment choose."""

from __future__ import annotations

import json
from typing import Any

import pytest

from practice_lms import Settings
from practice_lms.__main__ import main


def details(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["--details", *arguments]) == 0
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


@pytest.mark.parametrize("profile", ["standard", "moodle", "canvas", "d2l"])
def test_the_platform_to_play_is_named_on_the_command_line_or_in_the_environment(
    profile: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = details(capsys, "--as", profile)

    assert told["profile"] == profile
    assert told["issuer"] == Settings(profile=profile).issuer
    assert told["audience"] == Settings(profile=profile).audience
    assert told["people"]["tess"]
    monkeypatch.setenv("PRACTICE_LMS_AS", profile)
    assert details(capsys) == told


def test_a_platform_that_cannot_be_played_is_told_plainly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--details", "--as", "sakai"])
    assert "sakai" in capsys.readouterr().err
    monkeypatch.setenv("PRACTICE_LMS_AS", "sakai")
    with pytest.raises(SystemExit, match="2"):
        main(["--details"])
    assert "PRACTICE_LMS_AS must be one of standard, moodle, canvas, d2l" in capsys.readouterr().err
