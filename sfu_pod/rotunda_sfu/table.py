"""Things of one kind, found by their id and by each other thing that they depend on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

from rotunda_sfu.origin import Origin

_Id_co = TypeVar("_Id_co", covariant=True)


class Identified(Protocol[_Id_co]):
    """Its id is its own for ever."""

    @property
    def id(self) -> _Id_co: ...


Id = TypeVar("Id")
Thing = TypeVar("Thing", bound=Identified[Any])
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Table(Generic[Id, Thing]):
    """Each thing has an origin and may depend on other things, which are distinguished by identity.

    Iterates over all of them in the order in which they were added.
    """

    def __init__(self) -> None:
        self._things: dict[Id, Thing] = {}
        self._origins: dict[Id, Origin] = {}
        self._needs: dict[Id, tuple[object, ...]] = {}
        self._dependents: dict[object, dict[Id, Thing]] = {}

    def add(self, thing: Thing, origin: Origin, *needs: object) -> None:
        """`needs`: what else it ends with."""
        self._things[thing.id] = thing
        self._origins[thing.id] = origin
        self._needs[thing.id] = (origin, *needs)
        for need in self._needs[thing.id]:
            self._dependents.setdefault(need, {})[thing.id] = thing

    def remove(self, thing: Thing) -> Origin | None:
        """The answer is its origin, or None where it is not here any more."""
        if thing not in self:
            return None
        del self._things[thing.id]
        for need in self._needs.pop(thing.id):
            dependents = self._dependents[need]
            del dependents[thing.id]
            if not dependents:
                del self._dependents[need]
        return self._origins.pop(thing.id)

    def __getitem__(self, thing_id: Id) -> Thing:
        """Raises KeyError for what is not here any more."""
        return self._things[thing_id]

    def get(self, thing_id: Id) -> Thing | None:
        return self._things.get(thing_id)

    def origin(self, thing: Thing) -> Origin:
        """Raises KeyError for what is not here any more."""
        return self._origins[thing.id]

    def of(self, need: object) -> Mapping[Id, Thing]:
        """Those that depend on it, its own if it is an origin. A view, not to be kept."""
        return self._dependents.get(need, _NOTHING)

    def __contains__(self, thing: Thing) -> bool:
        return thing.id in self._things

    def __iter__(self) -> Iterator[Thing]:
        return iter(self._things.values())

    def __len__(self) -> int:
        return len(self._things)

    @property
    def is_empty(self) -> bool:
        """Nothing is left in any index."""
        return not (self._things or self._origins or self._needs or self._dependents)
