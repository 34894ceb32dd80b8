"""The table that the package hands down to its native half is complete, and has nothing that is not used."""

import ferrio
import pytest
from ferrio import _ferrio, _handed_down

TABLE = _handed_down.TABLE


@pytest.mark.parametrize("key", TABLE)
def test_a_missing_entry_is_an_error(key):
    with pytest.raises(ImportError, match=rf"^the package ferrio does not hand down: {key}$"):
        _ferrio._hand_down({name: value for name, value in TABLE.items() if name != key})


def test_all_missing_entries_are_named():
    with pytest.raises(
        ImportError, match=f"^the package ferrio does not hand down: {', '.join(sorted(TABLE))}$"
    ):
        _ferrio._hand_down({})


def test_an_unknown_entry_is_an_error():
    message = "^the package ferrio hands down what its native half does not use: selectors, warn$"
    with pytest.raises(ImportError, match=message):
        _ferrio._hand_down({**TABLE, "selectors": None, "warn": None})


def test_the_first_table_stays():
    _ferrio._hand_down(dict.fromkeys(TABLE))

    loop = ferrio.new_event_loop()
    try:
        assert type(loop._selector) is TABLE["selector"]
    finally:
        loop.close()
