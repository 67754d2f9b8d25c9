"""The evidence gate for texts: what could point at a real person, found before work is handed in. Pure functions.

It may not know drafts, submissions or pages: texts go in, findings come out. It warns and never decides.
"""

from app.learning.evidence.findings import KIND_WORDS, Finding, FindingKind, Place
from app.learning.evidence.scanning import scan

__all__ = ["KIND_WORDS", "Finding", "FindingKind", "Place", "scan"]
