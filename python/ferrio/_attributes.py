"""`__dict__` of native objects: what asyncio's objects keep there, as a dictionary that shows the object as it is.

A native object has its private attributes in Rust. Programs save, copy, compare and restore the dictionaries of
asyncio's objects, and `copy.copy` does, so the dictionary of a native one has the same names, and what is put into it
is set. It is made when somebody asks for it and costs nothing before that.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping, MutableMapping
from types import GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any

from ferrio import _ferrio

# A native class, and asyncio's of the kind.
_twins: dict[type, type] = {}


if TYPE_CHECKING:
    _Mapping = dict[str, Any]
else:

    class _Mapping(MutableMapping, dict):
        """A mapping that is a dictionary for `isinstance`."""

        __slots__ = ()


class Attributes(_Mapping):
    """The attributes of one object: those that are native, and those in the object's own dictionary.

    It is a `dict` for `isinstance` only; everything is looked up in the object. A native attribute that cannot be set
    takes the value that it has, so that a dictionary that was saved can be restored.
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

    # What `dict` has and `MutableMapping` has not.

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
    """Whether an attribute that cannot be set has a value already."""
    if now is value or now == value:
        return True
    # Views of those who wait are made anew each time.
    return type(now) is type(value) and hasattr(now, "popleft") and [*now] == [*value]


class Default:
    """A class attribute of a subclass that has the name of a native attribute: what the class has, not its objects."""

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
    """The attributes of a native class that asyncio's objects of the kind keep in their dictionaries, or in slots.

    asyncio's properties are in neither. To find them out takes longer than all else that is done at import.
    """
    twin = _twins[native]

    def is_kept(name: str) -> bool:
        kind = type(inspect.getattr_static(native, name))
        stock = inspect.getattr_static(twin, name, None)
        is_property = hasattr(stock, "__set__") and not isinstance(stock, MemberDescriptorType)
        return kind is GetSetDescriptorType and not name.startswith("__") and not is_property

    return tuple(name for name in dir(native) if is_kept(name))


def give_dictionary(native: type, twin: type) -> None:
    """Have `vars()` of a native class's objects show what it shows of those of asyncio's class `twin`."""

    def show(owner: object) -> Attributes:
        return Attributes(owner, names_of(native))

    def put(owner: object, values: Mapping[str, Any]) -> None:
        attributes = show(owner)
        attributes._own().clear()
        attributes.update(values)

    _twins[native] = twin
    _ferrio._put_in_class(native, "__dict__", property(show, put))


def complete(namespace: dict[str, Any], bases: tuple[type, ...]) -> None:
    """Complete the namespace of a subclass, so that what its objects inherit is not hidden by what is in the class."""
    for native in {base for it in bases for base in it.__mro__ if base in _twins}:
        for name in namespace.keys() & set(names_of(native)):
            value = namespace[name]
            if not hasattr(value, "__get__"):
                namespace[name] = Default(inspect.getattr_static(native, name), value)


def copied(owner: Any) -> tuple[Any, ...]:
    """`__reduce__` of a native class whose objects can be copied: the dictionary of a copy is the same."""
    class_ = type(owner)
    return class_.__new__, (class_,), vars(owner).copy()
