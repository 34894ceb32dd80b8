"""`__dict__` of native objects: a view that has the names that asyncio's objects have in their dictionaries.

A native object keeps its private attributes in Rust. Programs, and `copy.copy`, save, copy, compare and restore the
dictionaries of asyncio's objects. So the dictionary of a native object shows the same names, and setting an item sets
the attribute. The view is made when a program asks for it, and costs nothing before.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping, MutableMapping
from types import GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any

from ferrio import _ferrio

# Native class: asyncio's class.
_counterparts: dict[type, type] = {}


if TYPE_CHECKING:
    _Mapping = dict[str, Any]
else:

    class _Mapping(MutableMapping, dict):
        """A mapping that is a dictionary for `isinstance`."""

        __slots__ = ()


class Attributes(_Mapping):
    """The attributes of one object: native ones, and those in the object's own dictionary.

    It is a `dict` for `isinstance` only; everything is looked up in the object. A read-only native attribute may be set
    to the value that it has, so that a saved dictionary can be restored.
    """

    __slots__ = ("_names", "_owner")

    def __init__(self, owner: object, names: tuple[str, ...]) -> None:
        self._owner = owner
        self._names = names

    def _own(self) -> dict[str, Any]:
        return _ferrio._own_dict(self._owner)

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            return self._own()[name]
        try:
            return getattr(self._owner, name)
        except AttributeError:
            raise KeyError(name) from None

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._names:
            self._own()[name] = value
            return
        try:
            setattr(self._owner, name, value)
        except AttributeError:
            if not _is_same(getattr(self._owner, name), value):
                raise

    def __delitem__(self, name: str) -> None:
        if name in self._names:
            delattr(self._owner, name)
        else:
            del self._own()[name]

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in self._names if hasattr(self._owner, name))
        yield from self._own()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return any(name == it for it in self)

    # The methods of `dict` that `MutableMapping` lacks.

    def copy(self) -> dict[str, Any]:
        return dict(self.items())

    def __repr__(self) -> str:
        return repr(self.copy())

    def __or__(self, other: Any) -> Any:
        return self.copy() | other

    def __ror__(self, other: Any) -> Any:
        return other | self.copy()

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def __reversed__(self) -> Iterator[str]:
        return reversed(self.copy())

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (self.copy(),)

    __copy__ = copy
    __hash__ = None  # type: ignore[assignment]


def _is_same(now: Any, value: Any) -> bool:
    """Return whether the value of a read-only attribute equals another value."""
    if now is value or now == value:
        return True
    # A view of waiters is another object at each access.
    return type(now) is type(value) and hasattr(now, "popleft") and [*now] == [*value]


class Default:
    """A class attribute of a subclass with the name of a native attribute.

    The class shows the value of the class attribute, and its objects show the native attribute, as they would if that
    were in their dictionaries.
    """

    def __init__(self, native: Any, value: Any) -> None:
        self._native = native
        self._value = value

    def __get__(self, owner: Any, class_: type | None = None) -> Any:
        if owner is None:
            return self._value
        try:
            return self._native.__get__(owner)
        except AttributeError:  # Before `__init__`.
            return self._value

    def __set__(self, owner: Any, value: Any) -> None:
        self._native.__set__(owner, value)


@functools.cache
def names_of(native: type) -> tuple[str, ...]:
    """Return the native attributes that asyncio's objects keep in their dictionaries or slots: all but properties.

    This takes longer than everything else at import, so it is done when a dictionary is first asked for.
    """
    counterpart = _counterparts[native]

    def is_kept(name: str) -> bool:
        kind = type(inspect.getattr_static(native, name))
        original = inspect.getattr_static(counterpart, name, None)
        is_property = hasattr(original, "__set__") and not isinstance(original, MemberDescriptorType)
        return kind is GetSetDescriptorType and not name.startswith("__") and not is_property

    return tuple(name for name in dir(native) if is_kept(name))


def give_dictionary(native: type, counterpart: type) -> None:
    """Have `vars()` of native objects show the names that it shows for objects of asyncio's class."""

    def show(owner: object) -> Attributes:
        return Attributes(owner, names_of(native))

    def put(owner: object, values: Mapping[str, Any]) -> None:
        attributes = show(owner)
        attributes._own().clear()
        attributes.update(values)

    _counterparts[native] = counterpart
    _ferrio._put_in_class(native, "__dict__", property(show, put))


def complete(namespace: dict[str, Any], bases: tuple[type, ...]) -> None:
    """Replace class attributes in the namespace of a subclass that would hide native attributes of its objects."""
    for native in {base for it in bases for base in it.__mro__ if base in _counterparts}:
        for name in namespace.keys() & set(names_of(native)):
            value = namespace[name]
            if not hasattr(value, "__get__"):
                namespace[name] = Default(inspect.getattr_static(native, name), value)


def copied(owner: Any) -> tuple[Any, ...]:
    """Be `__reduce__` of a native class: a copy is a new object with the same dictionary."""
    class_ = type(owner)
    return class_.__new__, (class_,), vars(owner).copy()
