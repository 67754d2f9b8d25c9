"""`waymark verify`: judge a badge at the terminal. Needs no database."""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import pydantic
import typer

from app.cli.support import EXIT_MISUSE, EXIT_NO, JSON_OPTION, emit, fail
from app.config import Settings, load_settings
from app.core.http import HttpClient
from app.verifier import known_issuers
from app.verifier.errors import KnownIssuersUnreadable
from app.verifier.reading import MAX_BADGE_BYTES
from app.verifier.schemas import Presented, Report, Result, Verdict
from app.verifier.service import Verifier
from app.verifier.sources import HttpSource

STANDARD_INPUT: Final = "-"
HOW_TO_ASK_HERE: Final = (
    "That address is on this machine or on a private network. To let this command ask there, over http too, set "
    "WAYMARK_ALLOW_PRIVATE_NETWORKS=1 in its environment."
)
_WORDS: Final[dict[Verdict, str]] = {
    "valid": "Everything holds, and the register says who stands behind its issuer.",
    "valid_unknown_issuer": "Everything holds. Nobody vouches for who its issuer is.",
    "not_yet_valid": "It is signed, and its time has not come.",
    "expired": "It is signed, and its time has run out.",
    "suspended": "It is signed, and suspended for now.",
    "revoked": "Its issuer has taken it back. Do not rely on it.",
    "invalid": "Do not rely on it.",
    "unknown": "It could not be checked. Do not take that as a yes.",
}
_MARKS: Final[dict[Result, str]] = {"pass": "pass", "fail": "FAIL", "unknown": "unknown"}
_COLOURS: Final[dict[str, str]] = {
    "valid": "green", "pass": "green", "revoked": "red", "invalid": "red", "fail": "red",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(verify)


def verify(
    badge: Annotated[
        str,
        typer.Argument(
            metavar="FILE|URL|-", help="A badge: JSON, JWT, PNG or SVG, its address, or - for what comes in by a pipe."
        ),
    ],
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Judge a badge. Exits 0 if it is valid (also from an unknown issuer), 1 if not, 2 if there is nothing to judge."""
    presented, settings = _presented(badge), plain_settings()
    report = _verifier(settings).verify(presented)
    text = _text(report, in_colour=not as_json and _has_colours())
    if report.verdict == "unknown" and not settings.allow_private_networks and is_private(presented.address or ""):
        text = f"{text}\n\n{HOW_TO_ASK_HERE}"
    emit(report.as_dict(), as_json, text)
    if not report.is_valid:
        raise typer.Exit(EXIT_NO)


def is_private(address: str) -> bool:
    """Whether an address says by itself that its server is on this machine or on a private network."""
    try:
        host = (urlsplit(address).hostname or "").rstrip(".")
        return host == "localhost" or host.endswith(".localhost") or not ipaddress.ip_address(host).is_global
    except ValueError:  # a name that only a resolver knows, or no address at all
        return False


def plain_settings() -> Settings:
    """The settings of a command that needs neither the database nor the secret key; or exit 2."""
    try:
        return load_settings()
    except pydantic.ValidationError as error:
        fail("; ".join(item["msg"] for item in error.errors()), code=EXIT_MISUSE)


def _presented(badge: str) -> Presented:
    if badge == STANDARD_INPUT:
        return _piped()
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


def _piped() -> Presented:
    data = sys.stdin.buffer.read(MAX_BADGE_BYTES + 1)
    if len(data) > MAX_BADGE_BYTES:
        fail(f"What came in is larger than {MAX_BADGE_BYTES // 1_000_000} MB, which no badge is.", code=EXIT_MISUSE)
    if not data.strip():
        fail("Nothing came in on standard input.", code=EXIT_MISUSE)
    is_address = data.lstrip()[:8].lower().startswith((b"https://", b"http://"))
    return Presented.from_text(data.decode("utf-8", "replace")) if is_address else Presented.from_bytes(data)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a token pasted in place of a name is longer than any name may be
        return False


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


def _has_colours() -> bool:
    """Whether somebody looks at a terminal and has not asked for plain text (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _text(report: Report, *, in_colour: bool) -> str:
    """The verdict first, what it means, a warning if there is one, then how we know."""

    def mark(word: str, text: str) -> str:
        return typer.style(text, fg=_COLOURS.get(word, "yellow"), bold=True) if in_colour else text

    lines = [
        f"{mark(report.verdict, report.verdict)} (checked at {report.checked_at:%Y-%m-%d %H:%M:%S} UTC)",
        _WORDS[report.verdict],
    ]
    lines += [f"{mark('fail', 'Warning:')} {each.detail}" for each in report.checks if each.code == "issuer_look_alike"]
    if report.issuer is not None:
        lines.append(f"Issuer: {report.issuer.name}, {report.issuer.id} (listed by {report.issuer.listed_by})")
    elif report.facts is not None:
        lines.append(f"Issuer: not known; signed as {_printable(report.facts.issuer.id)}")
    lines += ["", "Checks"]
    for check in report.checks:
        result = mark(check.result, f"{_MARKS[check.result]:<7}")
        lines.append(f"  {result}  {check.name:<15} {check.code:<18} {check.detail}")
    if report.chain:
        lines += ["", "What it rests on"]
        lines += [
            f"  {mark(c.result, f'{_MARKS[c.result]:<7}')}  {_printable(c.url)}  {c.code}  {c.detail}"
            for c in report.chain
        ]
    if report.endorsements:
        lines += ["", "Endorsements"]
        lines += [f"  {mark(e.verdict, e.verdict)}  of the {e.of}  {e.code}  {e.detail}" for e in report.endorsements]
    return "\n".join(lines)


def _printable(text: str) -> str:
    """What a badge names, without characters that a terminal obeys."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
