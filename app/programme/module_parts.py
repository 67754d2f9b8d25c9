"""Parts of the authors' files that modules and pathways share: rubrics, and what to know before choosing."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.programme.file_model import FileModel, ItemId, Key, Text, Version


class CriterionEntry(FileModel):
    """A rubric's row; `levels` describes level 1 first."""

    key: Key
    title: Text
    competencies: list[ItemId]
    fidelity_items: list[ItemId] = Field(default_factory=list)
    principles: list[ItemId] = Field(default_factory=list)
    youth_elements: list[ItemId] = Field(default_factory=list)
    conditions: list[ItemId] = Field(default_factory=list)
    maps_note: Text | None = None
    levels: list[Text]


class RubricEntry(FileModel):
    """How work is judged."""

    version: Version
    levels: Annotated[list[Text], Field(min_length=4, max_length=4)]
    criteria: Annotated[list[CriterionEntry], Field(min_length=1)]


class CriticalInformationEntry(FileModel):
    """What a person must know before choosing the module."""

    audience: Text
    delivery: Text
    language: Text
    prerequisites: Text
    assessment: Text
    identity_check: Text
    recognition: Text
    stackability: Text
    quality_assurance: Text
    price: Text
