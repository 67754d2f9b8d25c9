"""The badge's picture: the medallion of its achievement, plain or with the badge baked in."""

from __future__ import annotations

from functools import lru_cache

from app.programme.artwork import Level, medallion_png, medallion_svg
from app.programme.schemas import AchievementInfo
from app.vc.baking import bake_png, bake_svg

RING_TEXT = "IPS VOCATIONAL SPECIALIST"


def achievement_svg(info: AchievementInfo) -> bytes:
    """The medallion of an achievement as SVG."""
    return _svg(*_drawn(info)).encode("utf-8")


def achievement_png(info: AchievementInfo) -> bytes:
    """The same as PNG, 512 pixels square."""
    return _png(*_drawn(info))


def baked_png(info: AchievementInfo, document: bytes) -> bytes:
    """The medallion carrying the credential with its embedded proof (https://www.imsglobal.org/spec/ob/v3p0/#png)."""
    return bake_png(achievement_png(info), document)


def baked_svg(info: AchievementInfo, document: bytes) -> bytes:
    """The same in SVG (https://www.imsglobal.org/spec/ob/v3p0/#svg)."""
    return bake_svg(achievement_svg(info), document)


def _drawn(info: AchievementInfo) -> tuple[str, str, str, Level, tuple[str, ...]]:
    """Everything of an achievement that its picture shows."""
    return info.code or info.key, info.name, info.domain_colour, info.level, info.marks


@lru_cache(maxsize=64)
def _svg(code: str, name: str, colour: str, level: Level, marks: tuple[str, ...]) -> str:
    return medallion_svg(code=code, title=name, domain_colour=colour, level=level, ring_text=RING_TEXT, marks=marks)


@lru_cache(maxsize=64)
def _png(code: str, name: str, colour: str, level: Level, marks: tuple[str, ...]) -> bytes:
    return medallion_png(_svg(code, name, colour, level, marks))
