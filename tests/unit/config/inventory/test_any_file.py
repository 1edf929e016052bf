"""Whatever is in a file: it is an inventory, or it is an error, and no traceback."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.config import inventory as inventories
from provision.errors import InputError

PIECES = (
    *("all:", "hosts:", "vars:", "children:", "web:", "[web]", "[web:vars]", "[", "]"),
    *(
        "{",
        "}",
        "a",
        "b=1",
        "x: 1",
        "'",
        '"',
        "!vault",
        "!unsafe",
        "&a",
        "*a",
        "<<",
        "- ",
    ),
    *("\n", "\n  ", "\n    ", "\t", ":", "=", ",", "#", "{{ x }}", "\0", "\ufeff", "ü"),
    *("1", "~"),
)
TEXTS = st.lists(st.sampled_from(PIECES)).map(lambda pieces: "".join(pieces).encode())


@pytest.mark.parametrize("name", ["hosts", "hosts.yml", "hosts.ini", "hosts.json"])
@given(content=st.binary(max_size=40) | TEXTS)
@settings(max_examples=150, deadline=None)
def test_whatever_is_in_a_file_is_an_inventory_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        inventories.load(path)
