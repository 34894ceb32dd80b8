"""Native classes and asyncio's of the same name are one to `isinstance` and `issubclass`, in both directions.

An instance of a native class answers asyncio's class as its `__class__`. The other direction, that an instance of
asyncio's class is one of the native class, is said by the native class's own class, which is made here. It matters
after `ferrio.accelerate()`: then `asyncio.Queue` is the native class, and there may be queues and subclasses that were
made before.
"""

from __future__ import annotations

import asyncio
from abc import ABCMeta
from typing import Any, Protocol

from ferrio import _attributes, _ferrio

# A native class, and asyncio's own.
_twins: dict[type, type] = {}

# A native class, and the kinds of protocol that its counterpart is.
_protocols: dict[type, list[type]] = {}


class _Twin(type(Protocol)):  # type: ignore[misc]
    """The class of a native class that has a counterpart in asyncio.

    It derives from the class of `typing.Protocol`, which derives from `ABCMeta`, so that a program can derive a class
    from a native one and a protocol or an abstract class.
    """

    __slots__ = ()

    def __new__(meta, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        _attributes.complete(namespace, bases)
        return super().__new__(meta, name, bases, namespace, **options)

    def mro(cls) -> list[type]:
        """The classes whose attributes a class has: asyncio's protocols behind what it derives from."""
        order = type.mro(cls)
        return [*order[:-1], *_protocols.get(cls, ()), order[-1]]

    def __setattr__(cls, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        _ferrio._class_changed()

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        _ferrio._class_changed()

    def __instancecheck__(cls, instance: object) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        twin = _twins.get(cls)
        return isinstance(instance, twin) if twin is not None else ABCMeta.__instancecheck__(cls, instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        if type.__subclasscheck__(cls, subclass):
            return True
        twin = _twins.get(cls)
        return issubclass(subclass, twin) if twin is not None else ABCMeta.__subclasscheck__(cls, subclass)


def pair(native: type, twin: Any) -> None:
    """Make asyncio's class `twin` the counterpart of a native class."""
    _twins[native] = twin
    if not _ferrio._set_metaclass(native, _Twin):
        return  # Then `isinstance` holds in one direction, and `__dict__` shows nothing of asyncio's.
    if twin.__module__ != "_asyncio":  # In C, they keep nothing in their dictionaries.
        _attributes.give_dictionary(native, twin)
    protocols = [base for base in twin.__mro__[1:] if issubclass(base, asyncio.BaseProtocol)]
    if protocols:
        _protocols[native] = protocols
        native.__bases__ = native.__bases__  # Has its order worked out anew.
