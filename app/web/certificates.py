"""A badge as a certificate on paper: one A4 page that leads back to the badge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import segno
from markupsafe import Markup

from app.awards import service as awards
from app.core.db import ReadSession
from app.core.runtime import Runtime
from app.issuer import service as issuer
from app.issuer.content import name_in
from app.issuer.schemas import PublicCredential
from app.programme import service as programme
from app.web.holder import Standing, image_of, standing_of


@dataclass(frozen=True)
class CertificatePage:
    """Context of badges/certificate.html.

    `holder_name` is the name in the badge, never one typed for the paper: a certificate says what the badge says, or
    somebody could put another person's name above a badge that holds. `told`: nobody here marked the work, the issuer
    told of the decision. `qr` is None where there is no certificate.
    """

    name: str
    description: str
    image: str
    level: str
    hours: int
    criteria: int
    told: bool
    issuer_name: str
    awarded_at: datetime
    valid_until: datetime | None
    holder_name: str | None
    public_url: str
    standing: Standing
    shared: bool
    root: str
    by_mail: bool
    qr: Markup | None


def certificate_page(
    db: ReadSession, runtime: Runtime, badge: PublicCredential, *, root: str, by_mail: bool
) -> CertificatePage:
    """The certificate of a badge that is shared and stands, or why there is none.

    Args:
        db: for reading.
        runtime: for the base URL.
        badge: the badge; the caller has made sure that the reader holds it.
        root: where its actions are.
        by_mail: whether the page was reached by the link of the award mail.
    """
    info = programme.achievement(db, badge.achievement_key, badge.achievement_version)
    public_url = f"{runtime.settings.base_url}/credentials/{badge.id}"
    standing = standing_of(badge)
    return CertificatePage(
        name=info.name,
        description=info.description,
        image=image_of(badge),
        level=info.level,
        hours=info.hours,
        criteria=len(info.rubric.criteria),
        told=awards.was_told(db, badge.id),
        issuer_name=issuer.issuer_info(db, runtime.settings.base_url, badge.issuer_key).name,
        awarded_at=badge.awarded_at,
        valid_until=badge.valid_until,
        holder_name=name_in(badge.document),
        public_url=public_url,
        standing=standing,
        shared=badge.shared,
        root=root,
        by_mail=by_mail,
        qr=qr_code(public_url) if badge.shared and standing == "valid" else None,
    )


def qr_code(address: str) -> Markup:
    """An address as a QR code in SVG, drawn here; a quarter of it may be damaged and it still reads.

    https://www.iso.org/standard/83389.html
    """
    drawn = segno.make(address, error="q", micro=False, boost_error=False)
    svg = drawn.svg_inline(border=0, omitsize=True, dark="#000", light=None, svgclass="qr", lineclass=None)
    return Markup(svg)  # noqa: S704 - made of the code's own squares
