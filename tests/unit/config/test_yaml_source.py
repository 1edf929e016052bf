"""Errors in YAML say the file, the line and the way to the value."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from provision.config.yaml_source import Source, did_you_mean, load, parse, shown, way
from provision.errors import InputError, PlaybookError


def read(text: str) -> Source:
    return parse(text, PlaybookError, file="book.yml", top="plays")


def refusal(text: str) -> str:
    with pytest.raises(PlaybookError) as caught:
        read(text)
    return str(caught.value)


def test_every_value_knows_its_line() -> None:
    source = read("- a: 1\n  b:\n    - x\n    - y: 2\n")
    assert source.line((0, "b", 1, "y")) == 4
    assert source.place((0, "a")) == "book.yml:1"


def test_what_is_missing_is_reported_where_it_should_be() -> None:
    source = read("- a: 1\n- b: 2\n")
    assert source.line((1, "c", "d")) == 2


def test_an_error_reads_file_line_path_problem_hint() -> None:
    error = read("- a: 1\n").error(PlaybookError, (0, "a"), "is odd", "make it even")
    assert str(error) == "book.yml:1: plays[0].a: is odd; make it even"


def test_merge_keys_bring_values_with_the_lines_they_were_written_in() -> None:
    source = read("- x: &x {one: 1, two: 2}\n- y:\n    <<: *x\n    two: 3\n")
    assert source.data[1]["y"] == {"one": 1, "two": 3}
    assert source.line((1, "y", "one")) == 1
    assert source.line((1, "y", "two")) == 4


def test_an_anchor_may_be_used_many_times() -> None:
    source = read("- &x {one: 1}\n- *x\n- *x\n- {<<: *x}\n- {<<: *x}\n")
    assert source.data == [{"one": 1}] * 5


def test_a_key_that_is_there_twice_is_refused_with_both_lines() -> None:
    assert (
        refusal("a: 1\nb: 2\na: 3\n")
        == "book.yml:3: 'a' is there twice, first in line 1"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1", "not valid YAML"),
        ("a: 1\n\tb: 2\n", "not valid YAML"),
        ("a: !other x\n", "not valid YAML: could not determine a constructor"),
        ("a: *nowhere\n", "not valid YAML: found undefined alias"),
        ("&a [*a]\n", "an alias contains itself"),
        ("? [1, 2]\n: x\n", "a key must be a single word"),
        ("a: 1\n---\nb: 2\n", "not valid YAML"),
        ("a: \0\n", "not valid YAML"),
        ("a: " + "[" * 400 + "]" * 400, "nested too deeply"),
        ("a: " + "[" * 9000 + "]" * 9000, "not valid YAML"),
        ("[" * 400 + "]" * 400, "nested too deeply"),
    ],
)
def test_what_is_not_yaml_is_an_error_with_its_place(text: str, problem: str) -> None:
    assert problem in refusal(text)


def test_a_file_that_is_not_there_or_not_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        load(tmp_path / "none.yml", PlaybookError)
    (tmp_path / "raw.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path / "raw.yml", PlaybookError)
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path, PlaybookError)


def test_a_way_reads_like_code() -> None:
    assert (
        way((1, "steps", 0, "file", "mode"), "plays") == "plays[1].steps[0].file.mode"
    )
    assert way(("all", "hosts")) == "all.hosts"


def test_hints_name_the_nearest_word_or_all_when_they_are_few() -> None:
    assert did_you_mean("imgae", ["image", "name"]) == "did you mean 'image'?"
    assert did_you_mean("zzz", ["image", "name"]) == "known: image, name"
    assert did_you_mean("zzz", []) == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a:\n\tb: 1\n", 2),
        ("a:\n  b: 1\n\tc: 2\n", 3),
        ("a: 1\n\tb: 2\n", 2),
        ("- x\n-\ty: 1\n  z: 2\n", 2),
        ("a:\n \t b: 1\n", 2),
        ("a: \t@x\n", 0),
    ],
)
def test_a_tab_is_called_a_tab(text: str, line: int) -> None:
    found = refusal(text)
    assert ("there is a tab; indent with spaces" in found) == bool(line)
    if line:
        assert found.startswith(f"book.yml:{line}: ")


def test_a_long_value_is_not_shown_whole() -> None:
    assert len(shown("x" * 10_000)) < 100
    assert len(shown(list(range(10_000)))) < 100
    assert [shown(value) for value in (None, False)] == ["null", "false"]
    assert "s3cret" not in shown(SecretStr("s3cret"))
