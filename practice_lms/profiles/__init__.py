"""The platforms this LMS can play: what each sends, what it refuses and where it differs, as measured or read.

A profile knows nothing of requests, state or pages; the endpoints ask it.
"""

from collections.abc import Mapping

from practice_lms.profiles.canvas import Canvas
from practice_lms.profiles.d2l import D2l
from practice_lms.profiles.moodle import Moodle
from practice_lms.profiles.standard import Profile, Standard

PROFILES: Mapping[str, Profile] = {profile.key: profile for profile in (Standard(), Moodle(), Canvas(), D2l())}


def profile_named(key: str) -> Profile:
    """The profile of this name. Raises ValueError if there is none."""
    if key not in PROFILES:
        raise ValueError(f"no such profile: {key}; there are {', '.join(PROFILES)}")
    return PROFILES[key]


__all__ = ["PROFILES", "Profile", "profile_named"]
