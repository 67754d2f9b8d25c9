"""Large bodies: written to a file as they arrive, never held in memory, and gone when the request is over."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from fastapi import Request

from app.api.refusals import BodyTooSlow, KindNotTaken
from app.awards.batches.errors import MAX_BYTES, NOTHING_KEPT, too_many_bytes
from app.awards.batches.schemas import Media
from app.core.errors import Unavailable

IN_MEMORY: Final = 1_000_000  # bytes; beyond, a file in the temporary folder
SECONDS_TO_ARRIVE: Final = 900
MEDIA: Final[dict[str, Media]] = {
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/x-jsonlines": "jsonl",
    "text/csv": "csv",
}


class UploadNoRoom(Unavailable):
    """The temporary folder takes no more."""

    slug = "upload-no-room"
    title = "There is no room for this upload just now"


@dataclass(frozen=True)
class Upload:
    """A body that arrived completely.

    Attributes:
        file: at its beginning.
        media: how its rows are written.
        sha256: of its bytes, in hex.
    """

    file: BinaryIO
    media: Media
    sha256: str


async def upload_in(request: Request) -> AsyncIterator[Upload]:
    """Take in a request's body. A client that breaks off leaves nothing.

    Raises:
        KindNotTaken: it is neither JSON Lines nor CSV, in UTF-8 and not compressed.
        BatchTooLarge: more than 100 MB.
        BodyTooSlow: it takes longer than a quarter of an hour.
        UploadNoRoom: the disk is full.
    """
    media = _media(request)
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        try:
            async with asyncio.timeout(SECONDS_TO_ARRIVE):
                sha256 = await _arrived(request, file)
        except TimeoutError:
            raise BodyTooSlow from None
        file.seek(0)
        yield Upload(file, media, sha256)  # type: ignore[arg-type]  # a binary file in all that is used of it


async def _arrived(request: Request, file: tempfile.SpooledTemporaryFile[bytes]) -> str:
    length = request.headers.get("content-length", "")
    if length.isdigit() and len(length) < 20 and int(length) > MAX_BYTES:
        raise too_many_bytes()
    digest, received = hashlib.sha256(), 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > MAX_BYTES:
            raise too_many_bytes()
        digest.update(chunk)
        try:
            file.write(chunk)
        except OSError as error:
            raise UploadNoRoom(
                "The server cannot keep the upload while it reads it: its temporary folder is full or read-only.",
                kept=NOTHING_KEPT,
                next_step="Try again later; whoever runs this server must make room.",
            ) from error
    return digest.hexdigest()


def _media(request: Request) -> Media:
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    media = MEDIA.get(kind.strip().lower())
    settings = [each.strip().lower().replace('"', "") for each in parameters.split(";") if each.strip()]
    if media is None or not set(settings) <= {"charset=utf-8", "header=present"}:
        raise KindNotTaken("The body must be application/jsonl or text/csv, in UTF-8.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise KindNotTaken("The body must not be compressed.")
    return media
