"""Files as strangers send them, made in code: honest ones with more in them than people know, and hostile ones."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Final

from PIL import ExifTags, Image, PngImagePlugin
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, TextStringObject

from tests import zeros

W: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORD_MAIN: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
SECRET: Final = "Tilda-Verrater"  # an author that must be found nowhere in what is stored
PAINT: Final = (180, 60, 20)  # what every photo is filled with
SVG: Final = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML: Final = b"<!doctype html><script>alert(1)</script>"


def photo(size: tuple[int, int] = (60, 40), *, kind: str = "JPEG") -> bytes:
    """A picture with the place, the camera and the author in it, and to be turned by 90 degrees."""
    picture = Image.new("RGB", size, PAINT)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = SECRET
    exif[ExifTags.Base.Make] = "Camera-Works"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {ExifTags.GPS.GPSLatitudeRef: "S", ExifTags.GPS.GPSLatitude: (37.0, 48.0, 12.5)}
    )
    out = io.BytesIO()
    picture.save(out, kind, exif=exif, **({"comment": b"said by " + SECRET.encode()} if kind == "JPEG" else {}))
    return out.getvalue()


def talking_png() -> bytes:
    """A PNG with texts, compressed and not."""
    said = PngImagePlugin.PngInfo()
    said.add_text("Author", SECRET)
    said.add_itxt("XML:com.adobe.xmp", f"<x>{SECRET}</x>", zip=True)
    out = io.BytesIO()
    Image.new("RGB", (20, 20)).save(out, "PNG", pnginfo=said)
    return out.getvalue()


def animated_png() -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (20, 20), (level, 0, 0)) for level in (0, 120, 240)]
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    return out.getvalue()


def huge_png(side: int = 30_000) -> bytes:
    """A PNG of a few hundred kB that unfolds to 900 million pixels."""
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    body = zeros.packed(side * (1 + side // 8))

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def paragraph(text: str, attributes: str = "") -> str:
    return f'<w:p {attributes}><w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def word(
    body: str = "",
    *,
    parts: dict[str, bytes] | None = None,
    relations: str = "",
    main_type: str = WORD_MAIN,
    prefix: str = "",
    author: str = SECRET,
) -> bytes:
    """A Word document as Word writes it, as far as it matters.

    Args:
        body: the XML inside its body.
        parts: further files in it.
        relations: XML of further relationships of the main part.
        main_type: content type of the main part.
        prefix: what stands before the XML of the main part.
        author: who wrote it, by its properties.
    """
    package = "http://schemas.openxmlformats.org/package/2006"
    mc = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    document = (
        f'{prefix}<w:document xmlns:w="{W}" xmlns:r="{R}" xmlns:mc="{mc}" '
        'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
        'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
        'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml" mc:Ignorable="w14">'
        f"<w:body>{body or paragraph('What I learnt.')}</w:body></w:document>"
    )
    files = {
        "[Content_Types].xml": (
            f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{main_type}"/></Types>'
        ).encode(),
        "_rels/.rels": (
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{R}/officeDocument" '
            'Target="word/document.xml"/></Relationships>'
        ).encode(),
        "word/document.xml": document.encode(),
        "word/_rels/document.xml.rels": (
            f'<Relationships xmlns="{package}/relationships">{relations}</Relationships>'
        ).encode(),
        "docProps/core.xml": f"<coreProperties><creator>{author}</creator></coreProperties>".encode(),
        "word/people.xml": f"<people><person>{author}</person></people>".encode(),
        **(parts or {}),
    }
    return zipped(files)


def relation(kind: str, target: str, *, external: bool = False, number: int = 9) -> str:
    mode = ' TargetMode="External"' if external else ""
    return f'<Relationship Id="rId{number}" Type="{R}/{kind}" Target="{target}"{mode}/>'


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def pdf(text: str = "What I learnt", *, pages: int = 1) -> PdfWriter:
    """A PDF with one line of text on each page, and the author in its head."""
    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for _ in range(pages):
        page = writer.add_blank_page(width=300, height=200)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/A"): writer._add_object(font)})}
        )
        drawn = DecodedStreamObject()
        drawn.set_data(f"BT /A 18 Tf 20 100 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(drawn)
    writer.add_metadata({"/Author": SECRET, "/Title": f"by {SECRET}"})
    return writer


def written(writer: PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def active_pdf() -> bytes:
    """A PDF that would run, fetch and unpack things."""
    writer = pdf()
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(
        {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    )
    writer.add_attachment("inside.exe", b"MZ" + SECRET.encode())
    page = writer.pages[0]
    page[NameObject("/AA")] = DictionaryObject({NameObject("/O"): TextStringObject(SECRET)})
    page[NameObject("/PieceInfo")] = DictionaryObject({NameObject("/Private"): TextStringObject(SECRET)})
    return written(writer)


def locked_pdf() -> bytes:
    writer = pdf()
    writer.encrypt("", "owner", algorithm="RC4-128")
    return written(writer)
