"""What is said about files: why one is not taken and what to do instead, and what was taken out of one that is."""

from __future__ import annotations

from collections.abc import Mapping

from app.learning.cleaning.results import RefusalCode

_AS_PDF = "Save it as PDF, or take a picture of it, and choose that."
_ANOTHER = "Choose another file."
_KINDS = "Files can be pictures (JPEG, PNG, WebP), PDF, Word (.docx), plain text or CSV."
_PRINT = "Open it, choose Print, then “Save as PDF”, and choose the new file."

# What happened, and what to do next.
REFUSALS: Mapping[RefusalCode, tuple[str, str]] = {
    "empty": ("This file is empty.", _ANOTHER),
    "unknown": (f"We do not take this kind of file. {_KINDS}", _AS_PDF),
    "broken": (
        "This file cannot be read to its end: it is damaged, or not what its name says.",
        "Open it on your device. If it opens there, save it anew or as PDF, and choose that.",
    ),
    "web_page": ("This is a web page, which could run a program when it is opened.", _AS_PDF),
    "svg": ("This is a drawing (SVG), which could run a program when it is opened.",
            "Save it as a picture (PNG) or as PDF, and choose that."),
    "archive": ("This is a packed folder (such as ZIP).", "Unpack it, and choose the files in it one by one."),
    "macros": ("This document holds macros: small programs.",
               "Save it as a Word document without macros (.docx) or as PDF, and choose that."),
    "old_office": ("This is a file of an older Office program.",
                   "Open it and save it as a Word document (.docx) or as PDF, and choose that."),
    "other_office": ("This is an Office file other than a Word document (.docx).", _AS_PDF),
    "heic": ("This is a picture in the form HEIC or AVIF, which many computers cannot show.",
             "Take a screenshot of it, or save it as JPEG, and choose that."),
    "media": ("This is a sound or a video, and we take none: a voice or a face says who somebody is.",
              "Write down what matters instead."),
    "other_picture": ("This picture is in a form that we do not take.", "Save it as JPEG or PNG, and choose that."),
    "not_utf8": ("The letters in this text file are stored in an older code.",
                 "Save it again as “UTF-8”; in Excel choose “CSV UTF-8”. Then choose it again."),
    "too_many_pixels": ("This picture has more than 50 million pixels.",
                        "Make it smaller, or take a screenshot of it, and choose that."),
    "too_much_text": ("This file holds more than 300,000 characters of text.",
                      "Choose the part that shows your work, and save it as a file of its own."),
    "too_big_inside": ("Unpacked, this file is far larger than a document needs to be.", _PRINT),
    "tracked": ("Your file still shows changes or comments, with names.",
                "Accept all changes, remove comments, and choose it again."),
    "embedded": ("This document holds a chart, a form or another file inside it, which we cannot check.", _PRINT),
    "linked_picture": ("This document shows a picture that lies somewhere else.",
                       "Paste the picture into the document, or save it as PDF, and choose that."),
    "inner_picture": ("A picture in this document is in a form that we cannot check.", _PRINT),
    "encrypted": ("This file is protected by a password or by rights.",
                  "Save it without protection, and choose it again."),
    "form": ("This PDF is a form with fields to fill in, or shows notes on fields.", _PRINT),
    "too_many_pages": ("This PDF has more than 100 pages.", "Choose the pages that show your work, and save those."),
    "too_hard": ("This file takes more work to read than a document should.", _PRINT),
    "result_too_large": ("Cleaned, this file would be too large to keep.", "Make it smaller, and choose it again."),
}  # fmt: skip

TAKEN_OUT: Mapping[str, str] = {
    "place": "the place where the picture was taken",
    "camera": "the camera and the time",
    "author": "the author’s name",
    "notes": "notes, title and keywords that cannot be seen",
    "animation": "all but the first picture of the animation",
    "size": "detail beyond 4,000 pixels: the picture is smaller now",
    "hidden": "characters that cannot be seen",
    "formulas": "formulas: they stand there as plain text now",
    "links": "links",
    "fields": "automatic fields: their text stays",
    "history": "marks of who edited when",
    "template": "the address of its template",
    "other_data": "data that cannot be seen",
    "attachments": "files inside it",
    "actions": "programs inside it",
    "comments": "notes on its pages",
    "layers": "layers: all of them show now",
    "unhidden": "the hiding of text: all of it shows now",
}

KIND_NAMES: Mapping[str, str] = {
    "image/jpeg": "picture (JPEG)",
    "image/png": "picture (PNG)",
    "image/webp": "picture (WebP)",
    "text/plain": "plain text",
    "text/csv": "table (CSV)",
    "application/pdf": "PDF",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word document",
}


def taken_out(codes: tuple[str, ...]) -> str:
    """What was removed, as one phrase: `the place where the picture was taken, the author’s name`."""
    return ", ".join(TAKEN_OUT[code] for code in codes if code in TAKEN_OUT)


def size_words(size: int) -> str:
    """A size in bytes as people say it."""
    if size < 1_000:
        return f"{size} bytes"
    return f"{size / 1_000:.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
