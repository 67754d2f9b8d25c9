"""Baking: a badge inside its own picture, and out again.

PNG: one uncompressed iTXt chunk with the keyword openbadgecredential; SVG: one openbadges:credential element right
after the root's start tag. Every other byte of the picture stays as it was. https://www.imsglobal.org/spec/ob/v3p0/#baking
"""

from app.vc.baking_png import bake_png, unbake_png
from app.vc.baking_svg import bake_svg, unbake_svg

__all__ = ["bake_png", "bake_svg", "unbake_png", "unbake_svg"]
