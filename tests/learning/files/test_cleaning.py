"""What a stranger's file becomes: clean, or refused, in the process in which it happens."""

from __future__ import annotations

import io
import struct
import threading
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject, TextStringObject

from app.learning.cleaning.kinds import clean
from app.learning.cleaning.results import Cleaned, Refused
from app.learning.files import workshop
from app.learning.files.errors import CleaningBusy, FileRefused
from app.learning.files.naming import harmless
from app.learning.files.words import REFUSALS, TAKEN_OUT
from app.learning.files.workshop import cleaned
from tests.learning.files import hostile

MOST = 10_000_000


def unfolded(clean: Cleaned) -> bytes:
    """Everything in a clean file, also what is packed in it."""
    if clean.suffix == ".docx":
        with zipfile.ZipFile(io.BytesIO(clean.content)) as archive:
            return b"".join(name.encode() + archive.read(name) for name in archive.namelist())
    if clean.suffix == ".pdf":
        reader = PdfReader(io.BytesIO(clean.content))
        objects = (reader.get_object(number) for number in range(1, len(reader.xref[0]) + 1))
        return clean.content + b"".join(repr(one).encode() for one in objects)
    return clean.content


def refused(data: bytes) -> str:
    with pytest.raises(Refused) as caught:
        clean(data)
    return caught.value.code


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_turned_upright_and_keeps_nothing_but_what_can_be_seen(kind: str) -> None:
    sent = hostile.photo((60, 40), kind=kind)
    assert b"Camera-Works" in sent
    stored = clean(sent)
    with Image.open(io.BytesIO(stored.content)) as picture:
        assert (picture.format, picture.size) == (kind, (40, 60))
        assert not picture.getexif()
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "loop", "background"}
    assert {"place", "camera", "author"} <= set(stored.removed)
    for hidden in (b"Exif", b"GPS", b"Camera-Works", hostile.SECRET.encode()):
        assert hidden not in stored.content
    assert stored.has_pictures


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_was_rubbed_out_of_a_picture_is_not_kept_as_a_transparent_colour(kind: str) -> None:
    picture = Image.new("RGBA", (16, 16), (200, 10, 20, 255))
    picture.paste((200, 10, 20, 0), (0, 0, 8, 16))
    out = io.BytesIO()
    picture.save(out, kind, lossless=True, exact=True)
    with Image.open(io.BytesIO(clean(out.getvalue()).content)) as stored:
        pixels = stored.convert("RGBA")
    assert pixels.getpixel((2, 2)) == (0, 0, 0, 0)
    assert pixels.getpixel((12, 2))[3] == 255  # type: ignore[index]


def test_texts_and_further_frames_in_a_png_are_gone() -> None:
    talking = clean(hostile.talking_png())
    assert talking.removed == ("notes",)
    assert all(name not in talking.content for name in (b"tEXt", b"iTXt", b"zTXt"))
    animated = clean(hostile.animated_png())
    assert animated.removed == ("animation",)
    assert b"acTL" not in animated.content


@pytest.mark.parametrize("behind", [hostile.HTML, hostile.SVG, hostile.zipped({"a.exe": b"MZ"}), b"<?php echo 1;"])
def test_what_hides_behind_a_picture_is_not_stored(behind: bytes) -> None:
    stored = clean(hostile.photo() + behind)
    assert behind[:12] not in stored.content
    assert stored.media_type == "image/jpeg"


def test_a_picture_of_900_million_pixels_is_refused_by_its_head_alone() -> None:
    assert refused(hostile.huge_png()) == "too_many_pixels"


def test_a_very_large_picture_becomes_smaller() -> None:
    out = io.BytesIO()
    Image.new("L", (5_000, 200), 128).save(out, "PNG")
    stored = clean(out.getvalue())
    with Image.open(io.BytesIO(stored.content)) as picture:
        assert picture.size == (4_000, 160)
    assert "size" in stored.removed


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (hostile.SVG, "svg"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>' + hostile.SVG, "svg"),
        (hostile.HTML, "web_page"),
        (b"hello <ScRiPt src=x>", "web_page"),
        (b"MZ\x90\x00\x03", "unknown"),
        (b"\x7fELF\x02\x01", "unknown"),
        (b"a text with a bell \x07", "unknown"),
        (b"{\\rtf1 hello}", "other_office"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "old_office"),
        (b"Rar!\x1a\x07", "archive"),
        (b"GIF89a" + b"\0" * 20, "other_picture"),
        (b"\0\0\0\x18ftypheic", "heic"),
        (b"\0\0\0\x18ftypmp42", "media"),
        ("caf\u00e9 und \u00fcber".encode("latin-1"), "not_utf8"),
        ("text".encode("utf-16"), "not_utf8"),
        (b"x" * 300_001, "too_much_text"),
        (hostile.photo()[:200], "broken"),
        (hostile.talking_png()[:90], "broken"),
        (b"\xff\xd8\xff" + b"\0" * 50, "broken"),
        (b"%PDF-1.7\n1 0 obj", "broken"),
        (hostile.written(hostile.pdf())[:400], "broken"),
        (b"PK\x03\x04" + b"\0" * 50, "broken"),
        (hostile.word()[:-40], "broken"),
        (hostile.zipped({"a.txt": b"a"}), "archive"),
        (hostile.zipped({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<a/>"}),
         "other_office"),
    ],
)  # fmt: skip
def test_other_kinds_are_refused_each_with_words_on_what_to_do(data: bytes, code: str) -> None:
    assert refused(data) == code
    happened, next_step = REFUSALS[code]  # type: ignore[index]
    assert happened.endswith(".")
    assert next_step.endswith(".")


def test_a_text_loses_what_cannot_be_seen_and_a_table_its_formulas() -> None:
    text = clean("\ufeffa\u202eb\r\nc\u200bd".encode())
    assert text.content == b"ab\ncd"
    assert text.removed == ("hidden",)
    assert [(one.where, one.text) for one in text.passages] == [("line 1", "ab"), ("line 2", "cd")]
    table = clean(b'name,sum\n=cmd|calc,"@x"\n-5,+SUM(A1)\n- note,-2.5', as_table=True)
    assert table.content == b"name,sum\n'=cmd|calc,\"'@x\"\n-5,'+SUM(A1)\n'- note,-2.5"
    assert table.media_type == "text/csv"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("+1+A1,-x", "'+1+A1,'-x"),
        ("\uff1dcmd()", "'\uff1dcmd()"),
        ("sep=|\na|=cmd()", "'sep=|\na|'=cmd()"),
        ("-5,+3.2%,-1.5e3,-,--,- 4\n+61 3 5550 1234", "-5,+3.2%,-1.5e3,-,--,- 4\n+61 3 5550 1234"),
    ],
)
def test_in_a_table_numbers_stay_and_what_computes_does_not(sent: str, kept: str) -> None:
    assert clean(sent.encode(), as_table=True).content.decode() == kept


def test_a_word_document_keeps_its_text_and_nothing_about_who_wrote_it() -> None:
    body = hostile.paragraph("My first page.", 'w:rsidR="00AB12CD"') + hostile.paragraph("And more.")
    stored = clean(hostile.word(body))
    assert [(one.where, one.text) for one in stored.passages] == [
        ("paragraph 1", "My first page."),
        ("paragraph 2", "And more."),
    ]
    inside = unfolded(stored)
    for hidden in (hostile.SECRET.encode(), b"docProps", b"people", b"rsid"):
        assert hidden not in inside
    assert set(stored.removed) == {"author", "history"}
    assert clean(stored.content).content == stored.content, "what is clean stays as it is"


@pytest.mark.parametrize(
    "body",
    [
        f'<w:p><w:ins w:id="1" w:author="{hostile.SECRET}"><w:r><w:t>new</w:t></w:r></w:ins></w:p>',
        f'<w:p><w:del w:id="1" w:author="{hostile.SECRET}"><w:r><w:delText>old</w:delText></w:r></w:del></w:p>',
        f'<w:p><w:pPr><w:pPrChange w:id="1" w:author="{hostile.SECRET}"/></w:pPr></w:p>',
        '<w:p><w:commentRangeStart w:id="0"/><w:r><w:t>a</w:t></w:r></w:p>',
        '<w:p><mc:AlternateContent><mc:Fallback><w:ins w:id="1"/></mc:Fallback></mc:AlternateContent></w:p>',
        '<w:p><w14:odd><w:ins w:id="1"/></w14:odd></w:p>',
    ],
)
def test_tracked_changes_and_comments_are_refused(body: str) -> None:
    assert refused(hostile.word(body)) == "tracked"


def test_a_part_with_comments_is_refused_even_if_no_place_refers_to_it() -> None:
    comments = f'<w:comments xmlns:w="{hostile.W}"><w:comment w:id="0"/></w:comments>'.encode()
    sent = hostile.word(parts={"word/comments.xml": comments}, relations=hostile.relation("comments", "comments.xml"))
    assert refused(sent) == "tracked"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (hostile.word(parts={"word/vbaProject.bin": b"\xd0\xcf"}), "macros"),
        (hostile.word(main_type="application/vnd.ms-word.document.macroEnabled.main+xml"), "macros"),
        (hostile.word('<w:p><w:r><w:object/></w:r></w:p>'), "embedded"),
        (hostile.word('<w:altChunk r:id="rId9"/>'), "embedded"),
        (hostile.word(relations=hostile.relation("oleObject", "embeddings/a.bin")), "embedded"),
        (hostile.word(relations=hostile.relation("aFChunk", "a.html")), "embedded"),
        (hostile.word('<w:p><w:r><a:blip r:link="rId9"/></w:r></w:p>'), "linked_picture"),
        (hostile.word(relations=hostile.relation("image", "http://evil.example/a.png", external=True)),
         "linked_picture"),
        (hostile.word(prefix='<!DOCTYPE a [<!ENTITY x "y">]>'), "broken"),
        (hostile.word(prefix='<!DOCTYPE a SYSTEM "file:///etc/passwd">'), "broken"),
        (hostile.word("<w:p>" * 400 + "</w:p>" * 400), "too_big_inside"),
        (hostile.word("<w:p>"), "broken"),
    ],
)  # fmt: skip
def test_what_is_active_or_lies_elsewhere_is_refused(sent: bytes, code: str) -> None:
    assert refused(sent) == code


def test_links_fields_and_the_template_are_taken_out_and_their_text_stays() -> None:
    body = (
        '<w:p><w:hyperlink r:id="rId9"><w:r><w:t>our page</w:t></w:r></w:hyperlink>'
        '<w:r><w:fldChar w:fldCharType="begin"/><w:instrText>DDEAUTO c:\\\\cmd.exe</w:instrText></w:r>'
        '<w:fldSimple w:instr="AUTHOR"><w:r><w:t> said so</w:t></w:r></w:fldSimple></w:p>'
        '<w:sdt><w:sdtPr><w:dataBinding w:xpath="x"/></w:sdtPr><w:sdtContent><w:p><w:r><w:t>kept</w:t></w:r></w:p>'
        "</w:sdtContent></w:sdt>"
    )
    relations = hostile.relation("hyperlink", "http://evil.example/", external=True) + hostile.relation(
        "attachedTemplate", "http://evil.example/t.dotm", external=True, number=10
    )
    stored = clean(hostile.word(body, relations=relations))
    assert [one.text for one in stored.passages] == ["our page said so", "kept"]
    inside = unfolded(stored)
    for hidden in (b"evil.example", b"DDEAUTO", b"instr", b"dataBinding", b"AUTHOR"):
        assert hidden not in inside
    assert {"links", "fields", "template"} <= set(stored.removed)


def test_a_picture_in_a_document_is_cleaned_like_any_other() -> None:
    drawing = (
        '<w:p><w:r><w:drawing><wp:inline><wp:docPr id="1" name="C:/Users/Tilda/IMG_1.jpg" descr="A map"/>'
        '<a:graphic><a:graphicData uri="u"><pic:pic><pic:blipFill><a:blip r:embed="rId9"/></pic:blipFill></pic:pic>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )
    sent = hostile.word(
        drawing, parts={"word/media/image1.jpeg": hostile.photo()},
        relations=hostile.relation("image", "media/image1.jpeg"),
    )  # fmt: skip
    stored = clean(sent)
    inside = unfolded(stored)
    assert stored.has_pictures
    assert "place" in stored.removed
    assert b"word/media/picture1.jpg" in inside
    for hidden in (b"Exif", b"Tilda", b"IMG_1"):
        assert hidden not in inside
    assert [one.text for one in stored.passages] == ["A map"]


def test_no_part_comes_in_under_a_name_or_a_kind_that_is_read_less_closely() -> None:
    """A theme once overwrote the list of relationships at the root, and led readers to a document as it came."""
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    root = f'<Relationships xmlns="{package}">{hostile.relation("officeDocument", "word/evil.xml")}</Relationships>'
    evil = f'<w:document xmlns:w="{hostile.W}"><w:body>{hostile.paragraph("Robin Seen")}</w:body></w:document>'.encode()
    theme = f'<a:theme xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">{evil.decode()}words</a:theme>'
    header = f'<w:hdr xmlns:w="{hostile.W}">{hostile.paragraph("Robin Seen")}</w:hdr>'.encode()
    for target, part, kind in (
        ("/x/evil.rels", root.encode(), "theme"), ("evil.xml", evil, "theme"), ("evil.xml", evil, "header"),
        ("header1.xml", header, "styles"),
    ):  # fmt: skip
        name = target[1:] if target.startswith("/") else f"word/{target}"
        assert refused(hostile.word(parts={name: part}, relations=hostile.relation(kind, target))) == "broken"
    twice = hostile.relation("header", "header1.xml") + hostile.relation("styles", "header1.xml", number=10)
    assert refused(hostile.word(parts={"word/header1.xml": header}, relations=twice)) == "broken"
    odd = hostile.word(
        parts={"word/_rels/theme7.rels": theme.encode()}, relations=hostile.relation("theme", "_rels/theme7.rels")
    )
    with zipfile.ZipFile(io.BytesIO(clean(odd).content)) as archive:
        names = archive.namelist()
        assert b"Seen" not in archive.read("word/theme1.xml")
        assert b"words" not in archive.read("word/theme1.xml")
    assert "word/_rels/theme7.rels" not in names


def test_whatever_a_reader_could_see_in_a_document_is_in_its_text() -> None:
    numbering = (
        f'<w:numbering xmlns:w="{hostile.W}"><w:abstractNum><w:lvl><w:lvlText w:val="For Robin Seen %1."/></w:lvl>'
        '<w:lvl><w:lvlText w:val="%2)"/></w:lvl></w:abstractNum></w:numbering>'
    ).encode()
    body = (
        '<w:tbl><w:tblPr><w:tblCaption w:val="Table of Robin"/><w:tblDescription w:val="Of Seen"/></w:tblPr></w:tbl>'
        "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden words</w:t></w:r></w:p>"
    )
    stored = clean(
        hostile.word(
            body, parts={"word/numbering.xml": numbering}, relations=hostile.relation("numbering", "numbering.xml")
        )
    )
    assert {one.text for one in stored.passages} == {
        "For Robin Seen %1.", "Table of Robin", "Of Seen", "hidden words",
    }  # fmt: skip
    assert b"vanish" not in unfolded(stored)
    assert "unhidden" in stored.removed


def test_words_that_no_page_shows_are_not_kept() -> None:
    vml = 'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
    body = (
        '<w:p>Robin<w:pPr/>Seen<w:hyperlink w:tooltip="Robin" w:anchor="a"><w:r><w:t>here</w:t></w:r></w:hyperlink>'
        f'<w:r><w:pict {vml}><v:shape o:gfxdata="Robin" equationxml="Robin" style="width:9pt">'
        '<v:imagedata o:title="Robin"/></v:shape></w:pict></w:r></w:p>'
    )
    inside = unfolded(clean(hostile.word(body)))
    assert b"Robin" not in inside
    assert b"Seen" not in inside
    assert b"width:9pt" in inside


@pytest.mark.parametrize(
    "body",
    [
        '<w:p><mc:AlternateContent><mc:Choice Requires="w14"><w:r><w:t>words</w:t></w:r></mc:Choice>'
        "</mc:AlternateContent></w:p>",
        '<w:p><mc:AlternateContent><mc:Choice Requires="w14"><w:r><w:t>words</w:t></w:r></mc:Choice><mc:Fallback/>'
        "</mc:AlternateContent></w:p>",
        "<w:p><w:r><w:drawing><a:graphic><a:t>words</a:t></a:graphic></w:drawing></w:r></w:p>",
        "<w:p><w14:odd><a:t>words</a:t></w14:odd></w:p>",
    ],
)
def test_words_that_could_not_be_kept_are_refused_and_not_lost(body: str) -> None:
    assert refused(hostile.word(body)) == "embedded"


def _zip_bomb() -> bytes:
    return hostile.word(parts={"word/media/a.xml": b"\0" * 25_000_000})


def _many_entries() -> bytes:
    return hostile.zipped({f"word/{number}.xml": b"" for number in range(700)})


def _overlapping() -> bytes:
    """Two names in the directory, one piece of packed data."""
    one = hostile.zipped({"word/document.xml": b"a" * 50, "word/documenu.xml": b"a" * 50})
    with zipfile.ZipFile(io.BytesIO(one)) as archive:
        second = archive.infolist()[1].header_offset
        directory = archive.start_dir  # type: ignore[attr-defined]
    broken = bytearray(one)
    place = one.index(b"PK\x01\x02", directory + 10) + 42
    assert struct.unpack_from("<L", broken, place)[0] == second
    struct.pack_into("<L", broken, place, 0)
    return bytes(broken)


def _zip64_lie() -> bytes:
    return hostile.word() + b"PK\x06\x07" + b"\0" * 16


def _wrong_length() -> bytes:
    """The directory says less than there is."""
    sent = bytearray(hostile.zipped({"word/document.xml": b"a" * 5_000}))
    struct.pack_into("<L", sent, bytes(sent).index(b"PK\x01\x02") + 24, 10)
    return bytes(sent)


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (_zip_bomb(), {"too_big_inside"}),
        (_many_entries(), {"too_big_inside"}),
        (_overlapping(), {"too_big_inside", "broken"}),
        (_zip64_lie(), {"broken"}),
        (_wrong_length(), {"broken"}),
        (hostile.word(parts={"../../etc/passwd": b"x"}), {"broken"}),
        (hostile.word(parts={"/abs": b"x"}), {"broken"}),
        (hostile.word(parts={"word\\a.xml": b"x"}), {"broken"}),
        (hostile.word(parts={"WORD/document.xml": b"x"}), {"broken"}),
        (hostile.word(parts={"a" * 300: b"x"}), {"broken"}),
    ],
)  # fmt: skip
def test_a_zip_that_lies_or_unfolds_is_refused(data: bytes, codes: set[str]) -> None:
    assert refused(data) in codes


def test_a_zip_in_a_document_is_not_kept() -> None:
    sent = hostile.word(parts={"word/inner.zip": hostile.zipped({"a": b"PAYLOAD"}), "customXml/item1.xml": b"<a/>"})
    stored = clean(sent)
    assert b"inner.zip" not in unfolded(stored)
    assert "other_data" in stored.removed


def test_a_pdf_keeps_its_pages_and_nothing_that_runs_or_names() -> None:
    stored = clean(hostile.active_pdf())
    inside = unfolded(stored)
    for hidden in (hostile.SECRET.encode(), b"JavaScript", b"/JS", b"EmbeddedFile", b"inside.exe", b"PieceInfo",
                   b"/AA", b"OpenAction", b"Author"):  # fmt: skip
        assert hidden not in inside
    assert {"actions", "attachments", "author"} <= set(stored.removed)
    assert [(one.where, one.text.strip()) for one in stored.passages] == [("page 1", "What I learnt")]
    again = PdfReader(io.BytesIO(stored.content))
    assert again.pages[0].extract_text().strip() == "What I learnt"
    assert not again.attachments


@pytest.mark.parametrize(
    ("drawn", "looks"),
    [
        ("q BI /W 1 /H 1 /BPC 8 /CS /G ID a EI Q", True),
        ("0 0 m 9 9 l S", True),
        ("BT /A 9 Tf (text) Tj ET", False),
        ("", False),
    ],
)
def test_a_pdf_with_what_nobody_reads_asks_to_be_looked_at(drawn: str, looks: bool) -> None:
    sent = hostile.pdf()
    sent.pages[0]["/Contents"].get_object().set_data(drawn.encode())  # type: ignore[attr-defined]
    assert clean(hostile.written(sent)).has_pictures is looks


def test_a_pdf_that_lies_about_its_letters_gives_a_text_that_can_be_shown() -> None:
    means = DecodedStreamObject()
    means.set_data(
        b"1 begincodespacerange <00> <FF> endcodespacerange 2 beginbfchar <57> <D800> <68> <0000> endbfchar endcmap"
    )
    sent = hostile.pdf()
    font = sent.pages[0]["/Resources"]["/Font"]["/A"].get_object()  # type: ignore[index]
    font[NameObject("/ToUnicode")] = sent._add_object(means)
    (passage,) = clean(hostile.written(sent)).passages
    passage.text.encode("utf-8")
    assert "\0" not in passage.text
    assert "I learnt" in passage.text


def test_a_locked_pdf_a_form_and_a_book_are_refused() -> None:
    assert refused(hostile.locked_pdf()) == "encrypted"
    form = hostile.pdf()
    widget = DictionaryObject({NameObject("/Subtype"): NameObject("/Widget"), NameObject("/V"): TextStringObject("x")})
    form.pages[0][NameObject("/Annots")] = ArrayObject([widget])
    assert refused(hostile.written(form)) == "form"
    assert refused(hostile.written(hostile.pdf(pages=101))) == "too_many_pages"


def test_notes_on_a_pdf_are_taken_out_with_who_wrote_them() -> None:
    noted = hostile.pdf()
    note = DictionaryObject({NameObject("/Subtype"): NameObject("/Text"), NameObject("/T"): TextStringObject("Tilda")})
    noted.pages[0][NameObject("/Annots")] = ArrayObject([note])
    stored = clean(hostile.written(noted))
    assert "comments" in stored.removed
    assert b"Tilda" not in unfolded(stored)


def test_a_photograph_in_a_pdf_keeps_no_place() -> None:
    out = io.BytesIO()
    with Image.open(io.BytesIO(hostile.photo())) as picture:
        picture.save(out, "PDF")
    sent = out.getvalue()
    start = sent.index(b"\xff\xd8\xff")
    small = b"\xff\xe0\x00\x0aJFXX\0\x13..Thumb"[:12]
    marked = sent[:start] + b"\xff\xd8\xff\xe1\x00\x0aExif\0GPS" + small + sent[start + 2 :]
    length = int(sent[sent.index(b"/Length ") + 8 :].split()[0])
    marked = marked.replace(f"/Length {length}".encode(), f"/Length {length + 24}".encode(), 1)
    assert b"Exif\0GPS" in marked
    stored = clean(marked)
    inside = unfolded(stored)
    assert b"Exif" not in inside
    assert b"JFXX" not in inside, "a small picture beside it, perhaps of what was cut off"
    assert b"JFIF" in inside
    assert stored.has_pictures


def test_a_stream_that_unfolds_without_end_is_refused() -> None:
    bomb = hostile.pdf()
    packed = zlib.compress(b"\0" * 400_000_000, 9)
    stream = bomb.pages[0]["/Contents"].get_object()
    stream._data = packed  # type: ignore[attr-defined]
    stream[NameObject("/Filter")] = NameObject("/FlateDecode")  # type: ignore[index]
    with pytest.raises(FileRefused):
        cleaned(hostile.written(bomb), as_table=False, most_bytes=MOST)


def test_every_word_that_is_told_exists() -> None:
    for sent in (hostile.photo(), hostile.word(), hostile.active_pdf()):
        assert set(clean(sent).removed) <= set(TAKEN_OUT)


def test_the_process_answers_as_the_function_does() -> None:
    here, there = clean(hostile.word()), cleaned(hostile.word(), as_table=False, most_bytes=MOST)
    assert here == there
    with pytest.raises(FileRefused) as caught:
        cleaned(hostile.photo(), as_table=False, most_bytes=100)
    assert caught.value.code == "result_too_large"


def test_who_waits_holds_few_threads_and_nobody_keeps_the_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waiting upload holds a thread of the server: all of them at once would stop every page."""
    opened = threading.Event()

    def reading(data: bytes, *, as_table: bool, most_bytes: int) -> tuple[dict[str, str], bytes]:
        opened.wait(30)
        return {"refused": "empty"}, b""

    monkeypatch.setattr(workshop, "_run", reading)
    most = workshop.AT_ONCE + workshop.MOST_WAITING

    def send(whose: str) -> str:
        try:
            cleaned(b"a", as_table=False, most_bytes=MOST, whose=whose)
        except FileRefused:
            return "read"
        except CleaningBusy:
            if whose == "last":
                opened.set()
            return "busy"
        return ""

    with ThreadPoolExecutor(most + 2) as pool:
        mine = [pool.submit(send, "one") for _ in range(workshop.OF_ONE_PERSON + 1)]
        assert next(as_completed(mine)).result() == "busy", "the third of one person, at once"
        others = [pool.submit(send, str(number)) for number in range(most - workshop.OF_ONE_PERSON)]
        while workshop._inside.total() < most:
            assert not opened.is_set()
        assert send("last") == "busy", "at once, and not after a wait"
        assert [one.result() for one in others] == ["read"] * len(others)
        assert sorted(one.result() for one in mine) == ["busy", "read", "read"]
    assert not workshop._inside


SAMPLES = (hostile.photo(), hostile.talking_png(), hostile.word(), hostile.active_pdf(), b"a,b\n1,2\n")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sample=st.sampled_from(SAMPLES),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=4)), max_size=6),
    cut=st.floats(0.2, 1),
)
def test_a_damaged_file_is_cleaned_or_refused_and_nothing_else(
    sample: bytes, changes: list[tuple[float, bytes]], cut: float
) -> None:
    damaged = bytearray(sample)
    for place, new in changes:
        at = int(place * len(damaged))
        damaged[at : at + len(new)] = new
    try:
        stored = clean(bytes(damaged[: int(cut * len(damaged))]))
    except Refused:
        return
    assert stored.suffix in {".jpg", ".png", ".webp", ".txt", ".csv", ".docx", ".pdf"}
    if stored.suffix in {".jpg", ".png"}:
        assert hostile.SECRET.encode() not in stored.content


@given(st.text(max_size=300))
def test_any_name_becomes_one_that_can_be_saved_anywhere(name: str) -> None:
    kept = harmless(name, ".pdf")
    assert kept.endswith(".pdf")
    assert 5 <= len(kept) <= 90
    assert kept.count(".") == 1
    assert not set(kept) & set("<>:\"/\\|?*%;'\0\n\r\t\u202e\u200b")
    kept.encode("utf-8")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd.png"),
        ("C:\\Users\\Tess\\map.final.PNG", "map final.png"),
        ("photo\u202egpj.exe", "photogpj.png"),
        ("a\0b.png", "ab.png"),
        ("  ", "file.png"),
        ("CON", "file CON.png"),
        ("shot.svg.png", "shot svg.png"),
    ],
)
def test_names_lose_paths_tricks_and_false_endings(name: str, kept: str) -> None:
    assert harmless(name, ".png") == kept
