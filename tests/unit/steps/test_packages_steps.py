"""Steps for packages accept, observe and plan what they should."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from provision.errors import ProbeError
from provision.model.change import Change
from provision.model.shell import Reply
from provision.steps.packages.absent.packages_absent import PackagesAbsent
from provision.steps.packages.packages import PACKAGES, Packages


@pytest.mark.parametrize("name", ["curl", "g++", "libc6:i386", "docker.io", "0ad"])
def test_a_name_of_a_package_is_accepted(name: str) -> None:
    assert Packages(names=[name]).names == (name,)


@pytest.mark.parametrize("name", ["", "curl-", "-y", "a b", "a=1", "a*", "./a.deb"])
def test_what_the_package_manager_would_read_otherwise_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Packages(names=[name])


def test_the_names_of_a_step_are_one_argument() -> None:
    assert Packages(names=["a1", "b1"]).probe().args == ("a1 b1",)


@pytest.mark.parametrize(
    ("found", "made", "state"),
    [
        ("", {"tool": "installed"}, {}),
        (
            "comes.b1.with.tool=true\n",
            {"tool": "installed"},
            {"b1": "installed", "comes.b1.with.tool": "true"},
        ),
        ("comes.b1.with.tool=true\n", {"tool": "installed", "-x": "removed"}, None),
        ("alone.tool=unknown\n", {"tool": "installed"}, None),
    ],
)
def test_what_comes_with_an_earlier_package_is_foreseen(
    found: str, made: dict[str, str], state: dict[str, str] | None
) -> None:
    step = Packages(names=["b1"])
    foreseen = step.foresee(step.observe(Reply(found)), {PACKAGES: made})
    installed = foreseen and {k: v for k, v in foreseen.items() if k == "b1"}
    assert installed == (state and {k: v for k, v in state.items() if k == "b1"})


def test_only_what_is_missing_is_installed() -> None:
    step = Packages(names=["a1", "b1"])
    changes = step.plan(step.observe(Reply("a1=installed\na1:amd64=installed\n")))
    assert changes == [Change("b1", None, "installed")]
    assert step.apply(changes).args == ("b1",)


def test_a_database_that_cannot_be_read_is_not_a_missing_package() -> None:
    with pytest.raises(ProbeError):
        Packages(names=["a1"]).observe(Reply(exit=1))


def test_only_what_is_there_is_removed() -> None:
    step = PackagesAbsent(names=["a1", "b1:i386"])
    changes = step.plan(step.observe(Reply("b1=installed\nb1:i386=installed\n")))
    assert changes == [Change("b1:i386", "installed", None)]
    assert step.apply(changes).args == ("b1:i386",)


@pytest.mark.parametrize(
    ("problem", "advice"),
    [
        ("/var/lib/dpkg/lock-frontend is held by process 1 (x)", "lock_timeout_s"),
        ("E: Unable to locate package crul", "check the name"),
        ("Error: Unable to find a match: crul\nNo match for argument: crul", "check"),
        ("Temporary failure resolving 'mirror.example.org'", "DNS"),
        ("E: You don't have enough free space in /var/cache", "free space"),
        ("something else", ""),
    ],
)
def test_a_failure_says_what_to_do(problem: str, advice: str) -> None:
    assert advice in Packages(names=["a1"]).advice(problem)


def test_a_removal_that_others_forbid_says_what_to_do() -> None:
    problem = "these need it and would go as well: jq"
    assert "name them too" in PackagesAbsent(names=["libjq1"]).advice(problem)
