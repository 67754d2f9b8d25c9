"""The cryptosuites of Data Integrity proofs, one module each.

A suite names its steps as its specification does. To add one: write the module, add its instance to `SUITES`, add its
vectors to tests/vc. https://www.w3.org/TR/vc-data-integrity/#cryptographic-suites
"""

from typing import Final

from app.vc.suites.base import AnySuite
from app.vc.suites.eddsa_jcs_2022 import EddsaJcs2022
from app.vc.suites.eddsa_rdfc_2022 import EddsaRdfc2022

__all__ = ["SUITES", "AnySuite"]

_EVERY: Final[tuple[AnySuite, ...]] = (EddsaRdfc2022(), EddsaJcs2022())
SUITES: Final[dict[str, AnySuite]] = {suite.name: suite for suite in _EVERY}
