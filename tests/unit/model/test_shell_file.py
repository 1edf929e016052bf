"""Shell text in files: its header is read and not sent, what it uses comes before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from provision.model.shell import Sh
from provision.model.shell_file import ShellText, read_shell

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files by their names; the path of a module beside them."""

    def files(**texts: str) -> str:
        (tmp_path / "kinds").mkdir()
        for name, text in texts.items():
            (tmp_path / "kinds" / f"{name}.sh").write_text(text)
        return str(tmp_path / "kinds" / "module.py")

    return files


def test_comments_at_the_beginning_are_not_sent(write: Write) -> None:
    module = write(a='# needs: path\n# Says more.\n\n# why\n\nls "$path"\n# here\nid\n')
    assert read_shell(module, "a.sh") == 'ls "$path"\n# here\nid\n'


def test_it_says_which_file_it_is_and_what_it_needs(write: Write) -> None:
    text = read_shell(write(a='# needs: path, mode_2, "$@"\nls'), "a.sh")
    assert text.name == "kinds/a.sh"
    assert text.needs == frozenset(("path", "mode_2"))
    assert text.takes_words


def test_a_file_that_needs_nothing_says_so(write: Write) -> None:
    text = read_shell(write(a="# needs:\nls"), "a.sh")
    assert not text.needs and not text.takes_words


def test_what_it_uses_comes_before_it_and_once(write: Write) -> None:
    module = write(
        a="# needs: one\n# uses: b.sh, c.sh\na",
        b="# needs: two\n# uses: c.sh\nb",
        c='# needs: "$@"\nc',
    )
    text = read_shell(module, "a.sh")
    assert text == "c\nb\na\n"
    assert text.needs == frozenset(("one", "two")) and text.takes_words


def test_it_is_the_constant_text_of_a_fragment(write: Write) -> None:
    text = read_shell(write(a="# needs: path\nls"), "a.sh")
    fragment = Sh.mergeable_probe(text, path="/x")
    assert isinstance(fragment.text, ShellText)
    assert fragment.render() == "path='/x'\nset --\nls"


def test_a_file_is_read_once(write: Write, tmp_path: Path) -> None:
    module = write(a="# needs:\nls")
    first = read_shell(module, "a.sh")
    (tmp_path / "kinds" / "a.sh").write_text("# needs:\nid")
    assert read_shell(module, "a.sh") is first


@pytest.mark.parametrize("header", ["", "# why\n", "# needs: Path\n", "# needs: a b\n"])
def test_a_header_that_is_missing_or_wrong_is_refused(
    write: Write, header: str
) -> None:
    with pytest.raises(ValueError, match=r"a\.sh"):
        read_shell(write(a=f"{header}ls"), "a.sh")


def test_a_file_that_is_missing_is_an_error(write: Write) -> None:
    with pytest.raises(FileNotFoundError):
        read_shell(write(a="# needs:\n# uses: b.sh\nls"), "a.sh")
