"""The picture in the middle of each medallion: things one meets beside a track.

A motif is drawn around the point 0,0 inside a circle of radius 150, in the colours it is lent. A module without a
motif of its own gets a cairn built from its code, so that a new module has a picture from its first day.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from math import cos, radians, sin


@dataclass(frozen=True)
class Palette:
    """The colours of one medallion, as `#rrggbb`."""

    deep: str
    mid: str
    tint: str
    paper: str
    gold: str


def _shape(d: str, fill: str) -> str:
    return f'<path d="{d}" fill="{fill}"/>'


def _line(d: str, stroke: str, width: float) -> str:
    ends = 'stroke-linecap="round" stroke-linejoin="round"'
    return f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width:g}" {ends}/>'


def _dot(x: float, y: float, r: float, fill: str) -> str:
    return f'<circle cx="{x:g}" cy="{y:g}" r="{r:g}" fill="{fill}"/>'


def _ring(x: float, y: float, r: float, stroke: str, width: float) -> str:
    return f'<circle cx="{x:g}" cy="{y:g}" r="{r:g}" fill="none" stroke="{stroke}" stroke-width="{width:g}"/>'


def _blaze(x: float, y: float, r: float, fill: str) -> str:
    return _shape(f"M{x:g} {y - r:g} {x + r:g} {y:g} {x:g} {y + r:g} {x - r:g} {y:g}Z", fill)


def _stone(x: float, y: float, half: float, tall: float, fill: str) -> str:
    """A flat river stone, `half` its width and `tall` its height, its foot on y."""
    top, side = y - tall, tall * 0.62
    return _shape(
        f"M{x - half:g} {y - side:g}"
        f"C{x - half:g} {top + tall * 0.05:g} {x - half * 0.5:g} {top:g} {x + half * 0.1:g} {top:g}"
        f"C{x + half * 0.7:g} {top:g} {x + half:g} {top + tall * 0.15:g} {x + half:g} {y - side * 0.8:g}"
        f"C{x + half:g} {y - tall * 0.1:g} {x + half * 0.75:g} {y:g} {x:g} {y:g}"
        f"C{x - half * 0.8:g} {y:g} {x - half:g} {y - tall * 0.15:g} {x - half:g} {y - side:g}Z",
        fill,
    )


def _cairn(x: float, foot: float, halves: list[float], p: Palette) -> str:
    parts = []
    for place, half in enumerate(halves):
        tall = 14 + half * 0.32
        parts.append(_stone(x + (-1) ** place * half * 0.08, foot, half, tall, p.deep if place % 2 == 0 else p.mid))
        foot -= tall + 3
    return "".join(parts)


def _compass(p: Palette) -> str:
    """Eight points for the eight principles."""
    parts = []
    for turn, long, wide in [*((45 + 90 * i, 92, 24) for i in range(4)), *((90 * i, 138, 27) for i in range(4))]:
        left, right = f"M0 0 -{wide} -{wide} 0 -{long}Z", f"M0 0 {wide} -{wide} 0 -{long}Z"
        halves = _shape(left, p.mid) + _shape(right, p.deep)
        parts.append(f'<g transform="rotate({turn})">{halves}</g>')
    return "".join(parts) + _dot(0, 0, 15, p.paper) + _blaze(0, 0, 11, p.gold)


def _seedling(p: Palette) -> str:
    sun = _dot(0, -62, 46, p.gold)
    stem = _line("M0 112C-4 70 4 40 0 -6", p.deep, 13)
    left = _shape("M-1 34C-14 -18 -66 -44 -122 -34C-116 18 -62 52 -1 34Z", p.deep)
    right = _shape("M1 4C10 -50 58 -82 112 -76C110 -22 62 14 1 4Z", p.mid)
    return sun + stem + left + right + _line("M-8 30C-36 8 -62 -8 -92 -18M8 0C32 -26 56 -46 84 -58", p.paper, 4)


def _door(p: Palette) -> str:
    path = _shape("M-46 84H46L104 150H-104Z", p.gold)
    frame = _shape("M-78 88V-42A78 78 0 0 1 78 -42V88Z", p.deep)
    light = _shape("M-56 88V-40A56 56 0 0 1 56 -40V88Z", p.paper)
    leaf = _shape("M-56 88V-40C-56 -64 -46 -80 -30 -90L-2 -58V122Z", p.mid)
    return path + frame + light + _dot(20, -20, 20, p.gold) + leaf + _dot(-17, 22, 6, p.paper)


def _fork(p: Palette) -> str:
    ways = _line("M0 132V60C0 10 -84 20 -88 -52M0 60C0 10 84 20 88 -52M0 80V-78", p.deep, 24)
    return ways + _blaze(0, -96, 38, p.gold) + _blaze(-88, -68, 28, p.mid) + _blaze(88, -68, 28, p.mid)


def _thirty(p: Palette) -> str:
    """Thirty strokes, one a day, that grow round the dial to the first handshake."""
    parts = []
    for day in range(30):
        angle = radians(day * 12)
        inner, x, y = 116 - day * 1.3, sin(angle), -cos(angle)
        weekly = day % 5 == 0
        d = f"M{x * inner:.1f} {y * inner:.1f} {x * 132:.1f} {y * 132:.1f}"
        parts.append(_line(d, p.mid if weekly else p.deep, 9))
    return "".join(parts) + _line("M-30 2 -8 24 34 -22", p.deep, 17) + _blaze(0, -132, 22, p.gold)


def _shopfront(p: Palette) -> str:
    front = _shape("M-98 -20H98V104H-98Z", p.deep)
    window = _shape("M-80 6H10V74H-80Z", p.tint)
    door = _shape("M30 6H80V104H30Z", p.gold)
    stripes = []
    for place in range(6):
        x = -120 + place * 40
        d = f"M{x} -34 {x * 0.84:.1f} -92H{(x + 40) * 0.84:.1f}L{x + 40} -34A20 20 0 0 1 {x} -34Z"
        stripes.append(_shape(d, p.mid if place % 2 == 0 else p.paper))
    edge = _line("M-120 -34 -101 -92H101L120 -34", p.deep, 7)
    return front + window + door + "".join(stripes) + edge + _dot(70, 58, 5, p.deep) + _line("M-112 107H112", p.deep, 9)


def _balance(p: Palette) -> str:
    post = _line("M0 116V-84M-44 116H44M-102 -66 102 -66", p.deep, 13)
    cords = _line("M-96 -62 -130 26M-96 -62 -62 26M96 -62 130 26M96 -62 62 26", p.deep, 5)
    pans = _shape("M-140 26H-52A44 38 0 0 1 -140 26Z", p.deep) + _shape("M52 26H140A44 38 0 0 1 52 26Z", p.deep)
    coin = _dot(-96, 4, 20, p.gold) + _dot(-96, 4, 9, p.paper)
    word = _shape("M78 -16H114V10H102L94 22 90 10H78Z", p.mid)
    return cords + coin + word + pans + post + _blaze(0, -98, 26, p.gold)


def _book(p: Palette) -> str:
    pages = "M0 {0}C-36 {1} -88 {2} -136 {3}V-58C-88 -68 -36 -62 0 -34C36 -62 88 -68 136 -58V{3}C88 {2} 36 {1} 0 {0}Z"
    cover = _shape(pages.format(108, 80, 74, 84), p.deep)
    left = _shape("M-7 82C-40 62 -80 58 -120 64V-46C-80 -53 -40 -46 -7 -20Z", p.paper)
    right = _shape("M7 82C40 62 80 58 120 64V-46C80 -53 40 -46 7 -20Z", p.paper)
    lines = _line("M-98 -16C-74 -19 -50 -14 -30 -2M-98 10C-74 7 -50 12 -30 24M-98 36C-84 34 -70 35 -58 39", p.mid, 8)
    way = _line("M24 62C30 34 104 40 98 14C92 -8 36 4 40 -22C44 -50 92 -42 84 -84", p.deep, 11)
    return cover + left + right + lines + way + _blaze(82, -100, 24, p.gold)


def _winding(p: Palette) -> str:
    way = (
        "M-78 169C-104 108 -8 92 44 74C92 56 70 30 14 18C-46 6 -60 -14 -22 -30C4 -40 12 -46 10 -62"
        "L26 -62C30 -40 20 -28 4 -20C-14 -10 -8 0 34 8C118 24 138 66 84 100C56 118 58 140 68 173A181 181 0 0 1 -78 169Z"
    )
    sun = _shape("M-66 -50A84 84 0 0 1 102 -50C60 -64 -20 -64 -66 -50Z", p.gold)
    land = _shape("M-172 62C-130 -20 -60 -62 18 -62S150 -26 172 62A181 181 0 0 1 -172 62Z", p.tint)
    posts = _line("M-94 62V14M108 10V-22M-52 -16V-40", p.mid, 9)
    heads = _blaze(-94, 4, 17, p.deep) + _blaze(108, -28, 13, p.deep) + _blaze(-52, -46, 10, p.deep)
    return sun + land + _shape(way, p.deep) + posts + heads


def _three_rings(p: Palette) -> str:
    """Three rings, each over one neighbour and under the other: none of them holds without the rest."""
    rings = ((0, -52, p.deep), (52, 38, p.mid), (-52, 38, p.deep))
    laid = "".join(_ring(x, y, 74, p.paper, 30) + _ring(x, y, 74, colour, 19) for x, y, colour in rings)
    # The third ring now lies over the first at both crossings; the first is drawn over it again just there.
    over = "".join(
        _line(_arc_of(0, -52, 74, middle - half, middle + half), colour, width).replace('"round"', '"butt"')
        for middle in (164.6, 255.4)
        for half, colour, width in ((11, p.paper, 30), (17, p.deep, 19))
    )
    return laid + over + _blaze(0, 8, 21, p.gold)


def _arc_of(x: float, y: float, r: float, start: float, end: float) -> str:
    """A clockwise arc between two angles in degrees, counted from the top."""
    (x1, y1), (x2, y2) = ((x + r * sin(radians(a)), y - r * cos(radians(a))) for a in (start, end))
    return f"M{x1:.1f} {y1:.1f}A{r:g} {r:g} 0 0 1 {x2:.1f} {y2:.1f}"


def _two_cairns(p: Palette) -> str:
    older = _cairn(-46, 112, [76, 60, 47, 35, 24], p) + _blaze(-48, -88, 20, p.gold)
    return older + _cairn(86, 112, [44, 33, 22], p) + _blaze(86, 18, 14, p.gold)


def _lantern(p: Palette) -> str:
    rays = _line("M-112 14H-132M112 14H132M-96 -56 -113 -68M96 -56 113 -68M-96 84 -113 96M96 84 113 96", p.gold, 10)
    body = _shape("M-54 -44H54L72 92H-72Z", p.deep) + _shape("M-40 -30H40L55 78H-55Z", p.tint)
    flame = _shape("M0 -14C30 20 34 36 26 54C18 70 -18 70 -26 54C-34 36 -16 24 0 -14Z", p.gold)
    frame = _shape("M-66 -44 -30 -78H30L66 -44Z", p.deep) + _shape("M-80 92H80V112H-80Z", p.deep)
    return rays + body + flame + frame + _ring(0, -104, 24, p.deep, 10) + _line("M0 -30V-20M0 66V78", p.deep, 6)


def _steps(p: Palette) -> str:
    """Four levels of a rubric, and the mark of the one that was reached."""
    stairs = _shape("M-132 112V60H-66V16H0V-28H66V-72H132V112Z", p.deep)
    treads = "".join(_line(f"M{x + 9} {top + 9}H{x + 57}", p.mid, 8) for x, top in ((-132, 60), (-66, 16), (66, -72)))
    mark = _line("M33 -34V-92", p.deep, 8) + _blaze(33, -100, 30, p.gold) + _line("M9 -19H57", p.gold, 8)
    return stairs + treads + mark


def _lens(p: Palette) -> str:
    """A glass over the contour lines of a hill."""
    lens = _dot(-18, -18, 104, p.deep) + _dot(-18, -18, 85, p.paper)
    contours = "".join(
        f'<ellipse cx="{x}" cy="{y}" rx="{rx}" ry="{ry}" transform="rotate(-28 {x} {y})"'
        f' fill="none" stroke="{p.mid}" stroke-width="7"/>'
        for x, y, rx, ry in ((-18, -16, 68, 54), (-13, -19, 47, 35), (-8, -22, 26, 17))
    )
    handle = _line("M66 66 116 116", p.deep, 32) + _line("M82 82 96 96", p.gold, 7)
    return handle + lens + contours + _blaze(-8, -22, 13, p.gold)


def _summit(p: Palette) -> str:
    back = _shape("M-146 104 -66 -14 -30 34 22 104Z", p.mid)
    peak = _shape("M-84 112 32 -56 146 112Z", p.deep)
    snow = _shape("M32 -56 66 -6 44 -16 32 4 14 -14 -3 -6Z", p.paper)
    flag = _line("M32 -52V-136", p.deep, 9) + _shape("M36 -134H108L90 -111 108 -88H36Z", p.gold)
    return back + peak + snow + flag


def _twenty_five(p: Palette) -> str:
    """Twenty-five items in five rows; one of them under the reviewer's eye."""
    parts = []
    for row in range(5):
        for column in range(5):
            x, y = (column - 2) * 44.0, (row - 2) * 44.0
            parts.append(_blaze(x, y, 15, p.deep if (row + column) % 2 == 0 else p.mid))
    eye = _dot(44, -44, 34, p.paper) + _ring(44, -44, 30, p.deep, 8) + _blaze(44, -44, 19, p.gold)
    return f'<g transform="translate(0 2) scale(1.12)">{"".join(parts)}{eye}</g>'


def _great_cairn(p: Palette) -> str:
    return _cairn(0, 116, [112, 90, 72, 54, 38], p) + _blaze(0, -108, 30, p.gold)


MOTIFS: dict[str, Callable[[Palette], str]] = {
    "M01": _compass,
    "M02": _seedling,
    "M03": _door,
    "M04": _fork,
    "M05": _thirty,
    "M06": _shopfront,
    "M07": _balance,
    "M08": _book,
    "M09": _winding,
    "M10": _three_rings,
    "X1": _two_cairns,
    "X2": _lantern,
    "X2a": _steps,
    "X3": _lens,
    "X4": _summit,
    "X5": _twenty_five,
}


def motif(code: str, *, stack: bool, palette: Palette) -> str:
    """Return the motif of `code` as SVG; a stack, and a code without its own motif, gets a cairn."""
    if code in MOTIFS:
        return MOTIFS[code](palette)
    if stack:
        return _great_cairn(palette)
    seed = sha256(code.encode()).digest()
    halves = sorted((34 + byte % 64 for byte in seed[: 3 + seed[0] % 2]), reverse=True)
    return _cairn(0, 104, [float(half) for half in halves], palette) + _blaze(0, -84, 24, palette.gold)
