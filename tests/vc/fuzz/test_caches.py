"""Whatever strangers send, nothing in the engine grows without end: every store of every module is counted."""

from __future__ import annotations

import gc
import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import app.vc
from app.vc import walker
from app.vc.compiled_context import MAX_TYPE_LISTS

from .crowd import read_a_stranger, sign_and_verify

LARGEST_CACHE = 4096
MOST_TERMS = 400
BOUNDS = {
    "_Templates._found": walker.MAX_TEMPLATES,
    "Scope.types": MAX_TYPE_LISTS,
    "Scope.below": MOST_TERMS,  # one for each term of the pinned contexts at most
    "Scope.words": MOST_TERMS,
    "Scope.terms": MOST_TERMS,
}
"""What may grow, and how far. A new store that grows has to be bounded, and written down here."""


def modules() -> list[ModuleType]:
    """Every module of the engine."""
    return [importlib.import_module(found.name) for found in pkgutil.walk_packages(app.vc.__path__, "app.vc.")]


def _is_cached(value: object) -> bool:
    return hasattr(value, "cache_parameters") and hasattr(value, "cache_info")


def _is_ours(value: object) -> bool:
    return str(getattr(type(value), "__module__", "")).startswith("app.vc")


def _inside(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What hangs on an object, with a name for each."""
    if _is_cached(value):
        for held in gc.get_referents(value):  # keys and results, beside the cache's own index of them
            if not isinstance(held, dict) or "lru" not in {type(each).__name__[1:4] for each in held.values()}:
                yield f"{name} result", held
        value = value.__wrapped__
    if isinstance(value, dict):
        yield from ((name, each) for each in list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from ((name, each) for each in list(value))
    elif isinstance(value, FunctionType) and value.__module__.startswith("app.vc"):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        for held in (*cells, *(value.__defaults__ or ()), value.__dict__):
            yield f"{value.__module__}.{value.__qualname__} (held)", held
    elif isinstance(value, type) and value.__module__.startswith("app.vc"):
        yield from ((f"{value.__qualname__}.{key}", each) for key, each in list(vars(value).items()))
    elif _is_ours(value):
        slots = [slot for kind in type(value).__mro__ for slot in getattr(kind, "__slots__", ())]
        attributes = {slot: getattr(value, slot) for slot in slots if hasattr(value, slot)}
        attributes |= getattr(value, "__dict__", {})
        yield from ((f"{type(value).__qualname__}.{key}", each) for key, each in attributes.items())


def stores(found_in: list[ModuleType]) -> dict[str, int]:
    """The largest size of every store that can be reached from a module, and how many objects of each of our classes.

    A store is a dict, a list, a set, or the memory of an `lru_cache`.
    """
    sizes: dict[str, int] = defaultdict(int)
    seen: set[int] = set()
    waiting = [
        (f"{module.__name__}.{name}", value)
        for module in found_in for name, value in vars(module).items() if not name.startswith("__")
    ]  # fmt: skip
    while waiting:
        name, value = waiting.pop()
        if id(value) in seen or isinstance(value, str | bytes | int | float | ModuleType):
            continue
        seen.add(id(value))
        if _is_cached(value):
            name = f"{value.__module__}.{value.__qualname__} (cache)"
            sizes[name] = value.cache_info().currsize
        elif isinstance(value, dict | list | set):
            sizes[name] = max(sizes[name], len(value))
        waiting += _inside(name, value)
    return sizes


def caches() -> dict[str, Any]:
    """Every `lru_cache` of the engine, also those of methods."""
    found: dict[str, Any] = {}
    for module in modules():
        holders = [module, *(value for value in vars(module).values() if isinstance(value, type))]
        for holder in holders:
            for value in vars(holder).values():
                if _is_cached(value) and value.__module__.startswith("app.vc"):
                    found[f"{value.__module__}.{value.__qualname__} (cache)"] = value
    return found


def test_every_cache_has_a_bound() -> None:
    assert len(caches()) >= 4
    for name, cache in caches().items():
        size = cache.cache_parameters()["maxsize"]
        assert size is not None, name
        assert size <= LARGEST_CACHE, name


def too_large_or_new(before: dict[str, int], after: dict[str, int]) -> list[str]:
    """What grew without being written down, or beyond its bound."""
    bounds = BOUNDS | {name: cache.cache_parameters()["maxsize"] for name, cache in caches().items()}
    return [
        f"{name}: {before.get(name, 0)} -> {size}"
        for name, size in after.items()
        if size > before.get(name, 0) and (name not in bounds or size > bounds[name])
    ]


def test_nothing_else_grows_while_many_different_credentials_pass_through() -> None:
    found = modules()
    for number in range(20):
        sign_and_verify(number)
        read_a_stranger(number)
    before = stores(found)
    for number in range(20, 320):
        sign_and_verify(number)
        read_a_stranger(number)
    after = stores(found)
    assert after["Scope.types"] > 20, "the compiled contexts were looked into"
    assert after["_Templates._found"] == walker.MAX_TEMPLATES, "so many came that the bound was reached"
    assert too_large_or_new(before, after) == []


def test_a_new_store_without_a_bound_would_be_found() -> None:
    """The test above, tested: a module with a dict, an object with a list and a function that remembers."""
    module = ModuleType("app.vc.forgetful")
    remembered: dict[int, int] = {}

    def remember(number: int) -> None:
        remembered[number] = number
        module.__dict__["MEMORY"].append({number})

    remember.__module__ = "app.vc.forgetful"
    module.__dict__.update({"MEMORY": [], "remember": remember})
    before = stores([module])
    for number in range(10):
        remember(number)
    assert len(too_large_or_new(before, stores([module]))) == 2
