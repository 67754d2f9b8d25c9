"""The pictures around a badge page: the one for passing its address on, and the address as a QR code."""

from __future__ import annotations

import io
from functools import lru_cache
from urllib.parse import urlsplit

import segno

from app.core.clock import now
from app.issuer.pictures import achievement_svg
from app.issuer.preview import Preview, Standing, preview_png
from app.issuer.schemas import PublicCredential
from app.programme.schemas import AchievementInfo


def preview(base_url: str, credential: PublicCredential, achievement: AchievementInfo, issuer_name: str) -> bytes:
    """The picture for passing a badge's address on, 1200 by 630 pixels, PNG.

    Args:
        base_url: this server's address; the picture names its host.
        credential: a shared badge.
        achievement: what it is for.
        issuer_name: who issued it, by our own records.
    """
    return preview_png(
        Preview(
            medallion=achievement_svg(achievement).decode("utf-8"),
            name=achievement.name,
            issuer=issuer_name,
            host=urlsplit(base_url).netloc,
            standing=_standing(credential),
        )
    )


def _standing(credential: PublicCredential) -> Standing:
    """How the badge stands by our own records: a picture that is kept by others must not praise what has ended."""
    if credential.state == "revoked":
        return "revoked"
    if credential.suspended_at is not None:
        return "suspended"
    return "expired" if credential.valid_until is not None and credential.valid_until <= now() else "stands"


@lru_cache(maxsize=128)
def qr_svg(address: str) -> bytes:
    """An address as a QR code in SVG, black on white with its quiet zone (ISO/IEC 18004); damage up to 15 % is healed.

    Args:
        address: an absolute address of this server.
    """
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        out, kind="svg", scale=4, border=4, dark="#000", light="#fff", xmldecl=False, title="The address of this badge"
    )
    return out.getvalue()
