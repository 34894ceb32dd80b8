"""What programs see of a loop: `_selector` and `_scheduled`, of the classes that they expect."""

from __future__ import annotations

import functools
import selectors
from abc import ABCMeta
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ferrio import _ferrio, _patches


class _SelectorClass(ABCMeta):
    """Has all loops look at the class of their selectors when something was put in the place of `select` there."""

    def __setattr__(cls, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "select":
            _patches.have_loops_look()

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        if name == "select":
            _patches.have_loops_look()


class Selector(_ferrio.Selector, selectors.BaseSelector, metaclass=_SelectorClass):  # type: ignore[misc]
    """A loop's poller as one of `selectors`' classes.

    The loop waits by itself until a program puts something in the place of `select`.
    """

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        self._look()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._look()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """What is watched: the key of each file object."""
        return _Map(self)

    def close(self) -> None:
        """Do nothing: the poller is closed with the loop."""


class _Map(Mapping[Any, selectors.SelectorKey]):
    """What a loop watches, as it is at any time."""

    def __init__(self, selector: Selector) -> None:
        self._selector = selector

    def __getitem__(self, fileobj: Any) -> selectors.SelectorKey:
        try:
            key = self._selector._key(self._selector._descriptor(fileobj))
        except ValueError:  # A number or an object that is no descriptor.
            key = None
        if key is None:
            raise KeyError(fileobj)
        return key

    def __iter__(self) -> Iterator[int]:
        return iter(self._selector._descriptors())

    def __len__(self) -> int:
        return len(self._selector._descriptors())


_MAKING = {"__new__", "__init__", "__getattribute__", "__class_getitem__"}


class TimerList(list[Any]):
    """The heap of a loop's timers. Whoever has it finds there what was scheduled since.

    Args:
        loop: the loop, which puts its timers in when it is asked.
    """

    def __init__(self, loop: _ferrio.Loop) -> None:
        super().__init__()
        self._loop = loop


def _up_to_date(method: Callable[..., Any]) -> Callable[..., Any]:
    """A list's method that finds in the list what was scheduled since."""

    @functools.wraps(method)
    def call(self: TimerList, *args: Any, **kwargs: Any) -> Any:
        self._loop._list_timers(self)
        return method(self, *args, **kwargs)

    return call


# What a list has otherwise than any object, but for its making, reads or changes what is in it.
for _name, _method in vars(list).items():
    if callable(_method) and _method is not getattr(object, _name, None) and _name not in _MAKING:
        setattr(TimerList, _name, _up_to_date(_method))
