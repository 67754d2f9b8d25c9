"""What all of the authors' files share: strict models, and the forms of texts, keys and ids.

Unknown names are refused, because a misspelt name that is silently ignored is a rule that silently does not hold.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
ItemId = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*(?:[-.][A-Z0-9]+)*$", max_length=40)]
ModuleKey = Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{1,2}[a-z]?$")]
# Of a module, or of a pathway with an achievement of its own: those are in lower case, so the two never meet.
AchievementKey = Annotated[str, StringConstraints(pattern=r"^(?:[A-Z][0-9]{1,2}[a-z]?|[a-z][a-z0-9-]{0,59})$")]
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s]+$", max_length=500)]
Version = Annotated[int, Field(ge=1)]
FilePath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*$", max_length=200)]


class FileModel(BaseModel):
    """Strict: no guessing of types, no unknown names; names in files are camelCase."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, alias_generator=to_camel)
