"""The places of a copy, as a person types them."""

from __future__ import annotations

import pytest

from provision.engine.on_hosts.copy.local_file import Found
from provision.engine.on_hosts.copy.place import Place, parse
from provision.errors import OptionError


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("node1:/tmp/x", Place("/tmp/x", "node1")),
        ("workers,!node3:/a:/b", Place("/a:/b", "workers,!node3")),
        ("all:/", Place("/", "all")),
        ("file", Place("file")),
        ("folder/", Place("folder/")),
        ("./node1:/x", Place("node1:/x")),
        ("/tmp/a:/b", Place("/tmp/a:/b")),
    ],
)
def test_a_place_is_here_or_on_hosts(text: str, place: Place) -> None:
    assert parse(text) == place


@pytest.mark.parametrize("text", ["", "node1:tmp", "node1:", ":/tmp/x", "a\0b"])
def test_a_place_that_may_mean_both_is_refused(text: str) -> None:
    with pytest.raises(OptionError):
        parse(text)


def test_the_answer_of_a_host_says_what_is_there() -> None:
    assert Found.read("offset=1048576 have=-\n") == Found(1048576, "")
    assert Found.read("offset=0 have=abc") == Found(0, "abc")
