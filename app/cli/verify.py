"""`waymark verify`: judge a badge at the terminal. Needs no database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import pydantic
import typer

from app.cli.support import EXIT_MISUSE, EXIT_NO, JSON_OPTION, emit, fail
from app.config import Settings, load_settings
from app.core.http import HttpClient
from app.verifier import known_issuers
from app.verifier.errors import KnownIssuersUnreadable
from app.verifier.reading import MAX_BADGE_BYTES
from app.verifier.schemas import Presented, Report
from app.verifier.service import Verifier
from app.verifier.sources import HttpSource

_MARKS: Final = {"pass": "pass   ", "fail": "FAIL   ", "unknown": "unknown"}


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(verify)


def verify(
    badge: Annotated[str, typer.Argument(metavar="FILE|URL", help="A badge: JSON, JWT, PNG or SVG, or its address.")],
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Judge a badge. Exits 0 if it is valid (also from an unknown issuer), 1 if not, 2 if there is no such file."""
    presented = _presented(badge)
    report = _verifier(_settings()).verify(presented)
    emit(report.as_dict(), as_json, _lines(report))
    if not report.is_valid:
        raise typer.Exit(EXIT_NO)


def _presented(badge: str) -> Presented:
    if badge.lower().startswith(("https://", "http://")):
        return Presented.from_url(badge)
    path = Path(badge)
    if not _is_file(path):
        fail(f"There is no file {badge[:200]}.", code=EXIT_MISUSE)
    if path.stat().st_size > MAX_BADGE_BYTES:
        fail(f"{badge} is larger than {MAX_BADGE_BYTES // 1_000_000} MB, which no badge is.", code=EXIT_MISUSE)
    try:
        return Presented.from_bytes(path.read_bytes())
    except OSError as error:
        fail(f"{badge} cannot be read: {error.strerror}.", code=EXIT_MISUSE)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a token pasted in place of a name is longer than any name may be
        return False


def _settings() -> Settings:
    try:
        return load_settings()
    except pydantic.ValidationError as error:
        fail("; ".join(item["msg"] for item in error.errors()), code=EXIT_MISUSE)


def _verifier(settings: Settings) -> Verifier:
    try:
        register_of_issuers = known_issuers.load(settings.data_dir)
    except KnownIssuersUnreadable as error:
        fail(str(error), code=EXIT_MISUSE)
    return Verifier(
        source=HttpSource(HttpClient(allow_private_networks=settings.allow_private_networks)),
        known_issuers=register_of_issuers,
        allow_http_localhost=settings.allow_private_networks,
    )


def _lines(report: Report) -> str:
    checks = [f"  {_MARKS[check.result]}  {check.name:<15} {check.code:<18} {check.detail}" for check in report.checks]
    return "\n".join([f"{report.verdict} (checked at {report.checked_at:%Y-%m-%d %H:%M:%S} UTC)", *checks])
