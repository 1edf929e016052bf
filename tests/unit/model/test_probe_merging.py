"""Looks of many steps become few fragments, and every step still gets its answer."""

from __future__ import annotations

from provision.model.probe_merging import join
from provision.model.shell import Sh

NAMES = 'printf "%s\n" "$@"'


def test_looks_with_the_same_text_become_one_about_everything() -> None:
    looks = [Sh.joint_look(NAMES, name) for name in ("a", "b", "a")]
    joined = join(looks)
    assert [sh.args for sh in joined.fragments] == [("a", "b")]
    assert joined.answers == (0, 0, 0)


def test_the_order_of_the_others_stays() -> None:
    looks = [Sh.of("one"), Sh.joint_look(NAMES, "a"), Sh.of("two")]
    joined = join([*looks, Sh.joint_look(NAMES, "b")])
    assert [sh.text for sh in joined.fragments] == ["one", NAMES, "two"]
    assert joined.answers == (0, 1, 2, 1)


def test_other_parameters_are_another_question() -> None:
    looks = [Sh.joint_look(NAMES, "a", members=yes) for yes in (True, False)]
    assert join(looks).answers == (0, 1)


def test_looks_that_are_not_joint_stay_apart_unless_they_are_the_same() -> None:
    looks = [Sh.of(NAMES, "a"), Sh.of(NAMES, "b"), Sh.of(NAMES, "a")]
    joined = join(looks)
    assert joined.answers == (0, 1, 0)
    assert [sh.args for sh in joined.fragments] == [("a",), ("b",)]


def test_a_text_that_is_to_be_asked_apart_is() -> None:
    looks = [Sh.joint_look(NAMES, name) for name in ("a", "b")]
    joined = join(looks, apart={NAMES})
    assert [sh.args for sh in joined.fragments] == [("a",), ("b",)]
