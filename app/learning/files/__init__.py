"""Files as evidence: what may be stored of them, where, for whom, and for how long.

A file of a stranger is never stored or shown as it came: `app.learning.cleaning` writes it anew in a process of its
own, its text is read for real people, and only then does it get a row. It may not know pages.
"""

from app.learning.files.errors import (
    CleaningBusy,
    FileFindings,
    FileNotFound,
    FileRefused,
    FileTooLarge,
    NoRoomForFile,
    PicturesUnlooked,
    RemovalTooLate,
)
from app.learning.files.receiving import Offered, receive
from app.learning.files.schemas import EvidenceFile, FilePlace, OpenedFile
from app.learning.files.store import (
    MOST_IN_FIELD,
    add_file,
    attach_to_submission,
    bring_back,
    check_room,
    clear_removed,
    fields_with_files,
    file_field,
    files_of,
    files_of_submission,
    open_for_assessor,
    own_file,
    remove_file,
    removed_lately,
)
from app.learning.files.words import KIND_NAMES, size_words, taken_out

__all__ = [
    "KIND_NAMES",
    "MOST_IN_FIELD",
    "CleaningBusy",
    "EvidenceFile",
    "FileFindings",
    "FileNotFound",
    "FilePlace",
    "FileRefused",
    "FileTooLarge",
    "NoRoomForFile",
    "Offered",
    "OpenedFile",
    "PicturesUnlooked",
    "RemovalTooLate",
    "add_file",
    "attach_to_submission",
    "bring_back",
    "check_room",
    "clear_removed",
    "fields_with_files",
    "file_field",
    "files_of",
    "files_of_submission",
    "open_for_assessor",
    "own_file",
    "receive",
    "remove_file",
    "removed_lately",
    "size_words",
    "taken_out",
]
