"""The names in a PDF that matter for what a page looks like (ISO 32000-2, clauses 7 to 11)."""

from __future__ import annotations

from typing import Final

FILTERS: Final = frozenset(
    ("/FlateDecode", "/DCTDecode", "/JPXDecode", "/CCITTFaxDecode", "/JBIG2Decode", "/LZWDecode", "/ASCII85Decode",
     "/ASCIIHexDecode", "/RunLengthDecode", "/Fl", "/LZW", "/A85", "/AHx", "/RL", "/CCF")
)  # fmt: skip
# Dictionaries whose keys are names that their author chose.
MAPS: Final = frozenset(
    ("/Font", "/XObject", "/ExtGState", "/ColorSpace", "/Pattern", "/Shading", "/CharProcs", "/Colorants")
)
_WORDS: Final = """
    Type Subtype Filter DecodeParms Length Length1 Length2 Length3
    Resources Font XObject ExtGState ColorSpace Pattern Shading ProcSet
    BaseFont FirstChar LastChar Widths FontDescriptor Encoding ToUnicode DescendantFonts CIDSystemInfo DW W DW2 W2
    CIDToGIDMap FontBBox FontMatrix CharProcs FontName FontStretch FontWeight Flags ItalicAngle Ascent
    Descent Leading CapHeight XHeight StemV StemH AvgWidth MaxWidth MissingWidth FontFile FontFile2 FontFile3 CharSet
    CIDSet Registry Ordering Supplement BaseEncoding Differences CMapName WMode UseCMap
    Predictor Colors BitsPerComponent Columns EarlyChange K EndOfLine EncodedByteAlign Rows EndOfBlock BlackIs1
    DamagedRowsBeforeError JBIG2Globals ColorTransform
    Width Height Intent ImageMask Mask Decode Interpolate SMask SMaskInData Matte
    FormType BBox Matrix Group S CS I G BC
    LW LC LJ ML D RI OP op OPM FL SM SA BM CA ca AIS TK TR TR2
    PatternType PaintType TilingType XStep YStep ShadingType Background AntiAlias Coords Domain Extend Function
    BitsPerCoordinate BitsPerFlag VerticesPerRow FunctionType Range Size BitsPerSample Order Encode C0 C1 N Functions
    Bounds WhitePoint BlackPoint Gamma Alternate Colorants
"""
DRAWING: Final = frozenset(f"/{word}" for word in _WORDS.split())
