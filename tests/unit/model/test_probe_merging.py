"""Looks of many steps become few fragments, and every step still gets its answer."""

from __future__ import annotations

from provision.model.probe_merging import merge_probes
from provision.model.shell import Sh

NAMES = 'printf "%s\n" "$@"'


def test_probes_with_the_same_text_become_one_about_everything() -> None:
    probes = [Sh.mergeable_probe(NAMES, name) for name in ("a", "b", "a")]
    joined = merge_probes(probes)
    assert [sh.args for sh in joined.fragments] == [("a", "b")]
    assert joined.answers == (0, 0, 0)


def test_the_order_of_the_others_stays() -> None:
    probes = [Sh.of("one"), Sh.mergeable_probe(NAMES, "a"), Sh.of("two")]
    joined = merge_probes([*probes, Sh.mergeable_probe(NAMES, "b")])
    assert [sh.text for sh in joined.fragments] == ["one", NAMES, "two"]
    assert joined.answers == (0, 1, 2, 1)


def test_other_parameters_are_another_question() -> None:
    probes = [Sh.mergeable_probe(NAMES, "a", members=yes) for yes in (True, False)]
    assert merge_probes(probes).answers == (0, 1)


def test_probes_that_are_not_mergeable_stay_apart_unless_they_are_the_same() -> None:
    probes = [Sh.of(NAMES, "a"), Sh.of(NAMES, "b"), Sh.of(NAMES, "a")]
    joined = merge_probes(probes)
    assert joined.answers == (0, 1, 0)
    assert [sh.args for sh in joined.fragments] == [("a",), ("b",)]


def test_a_text_that_is_to_be_asked_apart_is() -> None:
    probes = [Sh.mergeable_probe(NAMES, name) for name in ("a", "b")]
    joined = merge_probes(probes, apart={NAMES})
    assert [sh.args for sh in joined.fragments] == [("a",), ("b",)]
