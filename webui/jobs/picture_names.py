"""Where params name pictures: in fields of their own, and in those of ControlNet units and regions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from webui.params import GenerationParams

FIELDS = ("init_images", "mask", "detailer_mask", "firstpass_image")
"""The fields that are names."""
LISTS = {"control": (("image", "mask"), "ControlNet unit", 0), "regions": (("mask",), "Region", 1)}
"""The fields that list what names pictures: by which attributes, what one is called, the first number."""


@dataclass(frozen=True)
class NamedPicture:
    """A name, and where it stands. `where` begins sentences about it, with a colon; it may be empty."""

    field: str
    name: str
    where: str = ""


Rename = Callable[[NamedPicture], str]


def named(params: GenerationParams, field: str) -> tuple[str, ...]:
    """The names in one of FIELDS, as far as there are any."""
    value: str | tuple[str, ...] = getattr(params, field)
    return ((value,) if value else ()) if isinstance(value, str) else value


def renamed(params: GenerationParams, rename: Rename) -> dict[str, Any]:
    """The fields that name pictures, each name as `rename` gives it. Those that name none aren't told."""
    changes: dict[str, Any] = {}
    for field in FIELDS:
        if names := named(params, field):
            found = tuple(rename(one) for one in _told(field, names))
            changes[field] = found if field == "init_images" else found[0]
    for field, (attributes, what, first) in LISTS.items():
        items: tuple[BaseModel, ...] = getattr(params, field)
        if any(getattr(item, attribute) for item in items for attribute in attributes):
            changes[field] = tuple(
                _item(item, attributes, rename, NamedPicture(field, "", f"{what} {number}: "))
                for number, item in enumerate(items, first)
            )
    return changes


def _told(field: str, names: tuple[str, ...]) -> list[NamedPicture]:
    several = len(names) > 1
    return [
        NamedPicture(field, name, f"Picture {number}: " if several else "")
        for number, name in enumerate(names, 1)
    ]


def _item(item: BaseModel, attributes: tuple[str, ...], rename: Rename, place: NamedPicture) -> BaseModel:
    names = {attribute: name for attribute in attributes if (name := getattr(item, attribute))}
    return item.model_copy(
        update={
            attribute: rename(NamedPicture(place.field, name, place.where))
            for attribute, name in names.items()
        }
    )
