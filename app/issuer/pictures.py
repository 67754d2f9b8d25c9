"""The badge's picture: the medallion of its achievement, plain or with the badge baked in."""

from __future__ import annotations

from functools import lru_cache

from app.programme.artwork import medallion_png, medallion_svg
from app.programme.schemas import AchievementInfo
from app.vc.baking import bake_png, bake_svg

RING_TEXT = "IPS VOCATIONAL SPECIALIST"


def achievement_svg(info: AchievementInfo) -> bytes:
    """The medallion of an achievement as SVG."""
    return _svg(info.key, info.name, info.domain_colour, info.level).encode("utf-8")


def achievement_png(info: AchievementInfo) -> bytes:
    """The same as PNG, 512 pixels square."""
    return _png(info.key, info.name, info.domain_colour, info.level)


def baked_png(info: AchievementInfo, document: bytes) -> bytes:
    """The medallion carrying the credential with its embedded proof (https://www.imsglobal.org/spec/ob/v3p0/#png)."""
    return bake_png(achievement_png(info), document)


def baked_svg(info: AchievementInfo, document: bytes) -> bytes:
    """The same in SVG (https://www.imsglobal.org/spec/ob/v3p0/#svg)."""
    return bake_svg(achievement_svg(info), document)


@lru_cache(maxsize=64)
def _svg(key: str, name: str, colour: str, level: str) -> str:
    if level == "advanced":
        return medallion_svg(code=key, title=name, domain_colour=colour, level="advanced", ring_text=RING_TEXT)
    return medallion_svg(code=key, title=name, domain_colour=colour, level="basic", ring_text=RING_TEXT)


@lru_cache(maxsize=64)
def _png(key: str, name: str, colour: str, level: str) -> bytes:
    return medallion_png(_svg(key, name, colour, level))
