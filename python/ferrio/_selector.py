"""The loop's private attributes `_selector` and `_scheduled`, as objects of the classes that programs expect.

`Selector` shows the native poller as a `selectors.BaseSelector`, and `TimerList` the native timers as a list.
"""

from __future__ import annotations

import functools
import selectors
from abc import ABCMeta
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ferrio import _ferrio, _patches


class _SelectorClass(ABCMeta):
    """The metaclass of `Selector`. It has all loops look again when a program replaces `select` in the class."""

    def __setattr__(cls, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "select":
            _patches.have_loops_look()

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        if name == "select":
            _patches.have_loops_look()


class Selector(_ferrio.Selector, selectors.BaseSelector, metaclass=_SelectorClass):  # type: ignore[misc]
    """A loop's poller as a selector.

    The loop does not call `select` to wait, unless a program has replaced it.
    """

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        self._look()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._look()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """Return the mapping of file objects to their keys."""
        return _Map(self)

    def close(self) -> None:
        """Do nothing. The poller is closed with the loop."""


class _Map(Mapping[Any, selectors.SelectorKey]):
    """The view of what a loop watches."""

    def __init__(self, selector: Selector) -> None:
        self._selector = selector

    def __getitem__(self, fileobj: Any) -> selectors.SelectorKey:
        try:
            key = self._selector._key(self._selector._descriptor(fileobj))
        except ValueError:  # Not a descriptor, and without one.
            key = None
        if key is None:
            raise KeyError(fileobj)
        return key

    def __iter__(self) -> Iterator[int]:
        return iter(self._selector._descriptors())

    def __len__(self) -> int:
        return len(self._selector._descriptors())


# The methods of a list that do not look at its items.
_WITHOUT_ITEMS = {"__new__", "__init__", "__getattribute__", "__class_getitem__"}


class TimerList(list[Any]):
    """The heap of a loop's timers. Each method first adds the timers that were scheduled since the last call.

    Args:
        loop: the loop.
    """

    def __init__(self, loop: _ferrio.Loop) -> None:
        super().__init__()
        self._loop = loop


def _up_to_date(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a list's method that first brings the list up to date."""

    @functools.wraps(method)
    def call(self: TimerList, *args: Any, **kwargs: Any) -> Any:
        self._loop._list_timers(self)
        return method(self, *args, **kwargs)

    return call


# Every method that `list` does not share with `object` reads or changes the items, but for those that make a list.
for _name, _method in vars(list).items():
    if callable(_method) and _method is not getattr(object, _name, None) and _name not in _WITHOUT_ITEMS:
        setattr(TimerList, _name, _up_to_date(_method))
