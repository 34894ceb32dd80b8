"""Pairs native classes with asyncio's classes of the same name, so that `isinstance` and `issubclass` take either.

An instance of a native class has asyncio's class as its `__class__`, so it is an instance of asyncio's class. For the
other direction, an instance of asyncio's class and the native class, the metaclass of the native classes is replaced by
`_CounterpartMeta`. That direction matters after `ferrio.accelerate()`: then `asyncio.Queue` is the native class, and
there may be queues and subclasses that were made before.
"""

from __future__ import annotations

import asyncio
from abc import ABCMeta
from typing import Any, Protocol

from ferrio import _attributes, _ferrio

# Native class: asyncio's class.
_counterparts: dict[type, type] = {}

# Native class: the classes of protocols that asyncio's class derives from.
_protocols: dict[type, list[type]] = {}


class _CounterpartMeta(type(Protocol)):  # type: ignore[misc]
    """The metaclass of native classes that have a counterpart in asyncio.

    It derives from the metaclass of `typing.Protocol`, which derives from `ABCMeta`, so that a program can derive a
    class from a native class together with a protocol or an abstract class.
    """

    __slots__ = ()

    def __new__(meta, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        _attributes.complete(namespace, bases)
        return super().__new__(meta, name, bases, namespace, **options)

    def mro(cls) -> list[type]:
        """Return the usual method resolution order, with asyncio's protocols before `object`."""
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
        counterpart = _counterparts.get(cls)
        if counterpart is None:
            return ABCMeta.__instancecheck__(cls, instance)
        return isinstance(instance, counterpart)

    def __subclasscheck__(cls, subclass: type) -> bool:
        if type.__subclasscheck__(cls, subclass):
            return True
        counterpart = _counterparts.get(cls)
        if counterpart is None:
            return ABCMeta.__subclasscheck__(cls, subclass)
        return issubclass(subclass, counterpart)


def pair(native: type, counterpart: Any) -> None:
    """Make a class of asyncio the counterpart of a native class."""
    _counterparts[native] = counterpart
    if not _ferrio._set_metaclass(native, _CounterpartMeta):
        return  # Then `isinstance` holds in one direction, and `__dict__` shows none of asyncio's attributes.
    if counterpart.__module__ != "_asyncio":  # Objects of classes in C keep nothing in their dictionaries.
        _attributes.give_dictionary(native, counterpart)
    protocols = [base for base in counterpart.__mro__[1:] if issubclass(base, asyncio.BaseProtocol)]
    if protocols:
        _protocols[native] = protocols
        native.__bases__ = native.__bases__  # Computes the method resolution order again.
