"""A plan is what a deploy then changes: for any playbooks, inventories and pasts of hosts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.apt_host import AptHost
from support.apt_host import possible as apt_is_possible
from support.namespace_host.host import possible
from support.namespace_host.playbooks import YamlStep, lab_of, numbered

from provision.engine.host.foresight import UNKNOWN
from provision.model.mode import Mode

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not (possible() and apt_is_possible()), reason="needs root and mount namespaces"
    ),
]

PATHS = ("/srv/a", "/srv/a/b", "/srv/a/b/c", "/srv/d", "/srv/d/e")
UNITS = ("one.service", "two.service")
USERS = ("ann", "bob")
PACKAGES = ("tool-a", "tool-b", "library", "suite")
NEEDS = {"tool-a": "library", "suite": "tool-a, tool-b"}
CONTAINERS = ("web", "db")
IMAGES = ("web:1", "web:2", "web:3")
OF_HOSTS = (
    "{% for host in groups.all %}{{ host.name }} {{ host.address }}\n{% endfor %}"
)
"""A text that differs on every host when one more is added."""
INIT_SCRIPT = """#!/bin/sh
case $1 in
start | restart) : >"/run/$(basename "$0").up" ;;
stop) rm -f "/run/$(basename "$0").up" ;;
status) [ -e "/run/$(basename "$0").up" ] ;;
esac
"""
UNIT = "[Service]\nExecStart=/bin/sleep {}\n"
INSTALL = "[Install]\nWantedBy=multi-user.target\n"


def one(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def some(values: tuple[str, ...], *, at_least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=at_least, max_size=2, unique=True)


def step(kind: str, **params: st.SearchStrategy[Any]) -> st.SearchStrategy[YamlStep]:
    return st.fixed_dictionaries(params).map(lambda given: {kind: given})


def step_or(
    kind: str,
    required: Mapping[str, st.SearchStrategy[Any]],
    optional: Mapping[str, st.SearchStrategy[Any]],
) -> st.SearchStrategy[YamlStep]:
    return st.fixed_dictionaries(dict(required), optional=dict(optional)).map(
        lambda given: {kind: given}
    )


files = st.one_of(
    step("directory", path=one(*PATHS), mode=one("755", "700")),
    step(
        "file",
        path=one(*PATHS),
        content=one("x\n", "y\n", OF_HOSTS),
        mode=one("644", "600"),
    ),
    step("file_absent", paths=some((*PATHS, "/srv/list", "/srv/a/list"), at_least=1)),
    step(
        "retired_secrets",
        path=one("/srv/list", "/srv/a/list"),
        current=one("c"),
        retired=one(["a"], ["a", "b"]),
    ),
)
services = st.one_of(
    step_or(
        "service",
        {
            "name": one("one", "two"),
            "running": st.booleans(),
            "boot": st.booleans(),
            "stays_s": one(0),
        },
        {"files": some((*PATHS, "/etc/systemd/system/one.service"))},
    ),
    step("service_absent", name=one("one", "two")),
)
units = st.one_of(
    step(
        "systemd_unit",
        name=one(*UNITS),
        content=one(UNIT.format(1) + INSTALL, UNIT.format(2) + INSTALL, UNIT.format(1)),
    ),
    step("systemd_unit_absent", names=some(UNITS, at_least=1)),
)
init_scripts = step(
    "file",
    path=one("/etc/init.d/one", "/etc/init.d/two"),
    content=one(INIT_SCRIPT, INIT_SCRIPT + "# new\n"),
    mode=one("755"),
)
users = st.one_of(
    step_or(
        "user",
        {"name": one(*USERS)},
        {
            "uid": one(2001, 2002),
            "group": one("ann", "staff"),
            "groups": some(("staff", "bob", "games"), at_least=1),
            "shell": one("/bin/sh", "/bin/false"),
            "home": one("/home/ann", "/home/bob"),
        },
    ),
    step("user_absent", name=one(*USERS)),
)
packages = st.one_of(
    step("packages", names=some(PACKAGES, at_least=1)),
    step("packages_absent", names=some(PACKAGES, at_least=1)),
)
containers = st.one_of(
    step_or(
        "docker_container",
        {"name": one(*CONTAINERS), "image": one(*IMAGES)},
        {
            "env": one({"A": "1"}, {"A": "2", "B": "1"}),
            "files": some(PATHS, at_least=1),
            "restart": one("no", "always"),
            "command": one(["run", "--port=1"], ["run", "--port=2"]),
        },
    ),
    step("docker_container_absent", names=some(CONTAINERS, at_least=1)),
)
images = st.one_of(
    step("docker_image", name=one(*IMAGES)),
    step("docker_image_absent", name=one(*IMAGES)),
)
without_systemd = st.one_of(files, files, services, init_scripts)
with_systemd = st.one_of(files, services, units, users, containers, images)
WHERE = ("all", "first", "rest")


def playbooks(steps: st.SearchStrategy[YamlStep]) -> st.SearchStrategy[list[YamlStep]]:
    """Playbooks of one to three plays."""
    play = st.fixed_dictionaries(
        {"hosts": one(*WHERE), "steps": st.lists(steps, min_size=1, max_size=6)}
    )
    return st.lists(play, min_size=1, max_size=3)


@pytest.fixture(scope="module")
def apt(tmp_path_factory: pytest.TempPathFactory) -> AptHost:
    made = AptHost(tmp_path_factory.mktemp("apt"))
    for name in PACKAGES:
        made.offer(name, needs=NEEDS.get(name, ""))
    return made


def check(
    before: list[YamlStep],
    chosen: list[YamlStep],
    counts: tuple[int, int],
    *,
    has_systemd: bool,
    apt: AptHost | None = None,
) -> None:
    """Plan *chosen* on hosts with the past *before*, deploy it, and compare.

    Args:
        before: a playbook; some of its steps may fail.
        chosen: a playbook.
        counts: how many hosts there were before, and are now.
        has_systemd: False = the hosts have init scripts.
        apt: the packages that they may install.
    """
    now = numbered(chosen)
    with lab_of(max(counts), has_systemd=has_systemd, apt=apt) as lab:
        for play in before:
            for step in play[
                "steps"
            ]:  # alone, as those after one that failed are not run
                lab.run(Mode.APPLY, numbered([{**play, "steps": [step]}]), counts[0])
        planned = lab.run(Mode.PLAN, now, counts[1])
        changed = lab.run(Mode.APPLY, now, counts[1])
    failed = set()
    for (host, label), fields in changed.items():
        if fields is None:
            failed.add(host)
        elif host not in failed:
            assert planned[host, label] in [fields, {UNKNOWN.field}], (host, label)


def pasts(
    usual: list[YamlStep], steps: st.SearchStrategy[YamlStep]
) -> st.SearchStrategy[list[YamlStep]]:
    """Playbooks that most often begin with the *usual*, so that later steps have a basis."""
    opening = st.sampled_from([[{"hosts": "all", "steps": usual}]] * 2 + [[]])
    return st.builds(lambda first, rest: first + rest, opening, playbooks(steps))


FOLDERS = [{"directory": {"path": path}} for path in ("/srv/a", "/srv/d")]
UNITS_UP: list[YamlStep] = [
    *FOLDERS,
    *(
        {"systemd_unit": {"name": name, "content": UNIT.format(1) + INSTALL}}
        for name in UNITS
    ),
    {"service": {"name": "one", "stays_s": 0}},
    {"user": {"name": "ann"}},
]
SCRIPTS_UP: list[YamlStep] = [
    *FOLDERS,
    {"file": {"path": "/etc/init.d/one", "content": INIT_SCRIPT, "mode": "755"}},
    {"service": {"name": "one", "stays_s": 0}},
]
counts = st.tuples(one(1, 2), one(1, 2, 3))
EXAMPLES = int(os.environ.get("PROVISION_PLAN_EXAMPLES", "12"))
"""Examples of each test: a few seconds each on a busy machine."""
# Without shrinking: of what hypothesis leaves of a failure, each try makes new hosts.
thorough = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)


@thorough
@given(
    before=pasts(UNITS_UP, with_systemd), chosen=playbooks(with_systemd), counts=counts
)
def test_a_plan_lists_exactly_what_a_deploy_then_changes(
    before: list[YamlStep], chosen: list[YamlStep], counts: tuple[int, int]
) -> None:
    check(before, chosen, counts, has_systemd=True)


@thorough
@given(before=pasts(SCRIPTS_UP, without_systemd), chosen=playbooks(without_systemd))
def test_a_plan_is_exact_on_hosts_with_init_scripts(
    before: list[YamlStep], chosen: list[YamlStep]
) -> None:
    check(before, chosen, (1, 1), has_systemd=False)


@settings(thorough, max_examples=min(EXAMPLES, 10))
@given(before=playbooks(packages), chosen=playbooks(packages))
def test_a_plan_is_exact_about_packages(
    before: list[YamlStep], chosen: list[YamlStep], apt: AptHost
) -> None:
    check(before, chosen, (1, 1), has_systemd=True, apt=apt)


def service_one(**params: Any) -> YamlStep:
    return {"service": {"name": "one", "stays_s": 0, **params}}


WRITTEN: YamlStep = {"file": {"path": "/srv/d/e", "content": "x\n"}}
ANEW: YamlStep = {"file": {"path": "/srv/d/e", "content": "y\n"}}
FOLLOWING: dict[str, tuple[list[YamlStep], list[YamlStep]]] = {
    "a service with other files": (
        [WRITTEN],
        [service_one(files=["/srv/d/e"]), service_one(), service_one(files=["/srv/d"])],
    ),
    "a start at boot alone": (
        [WRITTEN, service_one(files=["/srv/d/e"]), ANEW],
        [service_one(boot=False), service_one(files=["/srv/d/e"], boot=False)],
    ),
    "a service that is stopped and started": (
        [WRITTEN, service_one(files=["/srv/d/e"]), ANEW],
        [service_one(running=False), service_one(files=["/srv/d/e"])],
    ),
    "a primary group that was one of the groups": (
        [{"user": {"name": "ann", "group": "staff"}}],
        [
            {"user": {"name": "ann", "groups": ["staff"]}},
            {"user": {"name": "ann", "group": "staff", "groups": ["games"]}},
        ],
    ),
    "a home that useradd chooses": (
        [{"user_absent": {"name": "ann"}}],
        [{"user": {"name": "ann"}}, {"user": {"name": "ann", "home": "/home/ann"}}],
    ),
    "an image that comes back": (
        [{"docker_image": {"name": "web:3"}}],
        [
            {"docker_image_absent": {"name": "web:3"}},
            {"docker_image": {"name": "web:3"}},
            {"docker_image_absent": {"name": "web:3"}},
        ],
    ),
}
"""Consequences of earlier steps: the steps done before, and those that are planned."""


@pytest.mark.parametrize("what", FOLLOWING)
@pytest.mark.parametrize("has_systemd", [True, False])
def test_a_plan_has_what_follows(what: str, has_systemd: bool) -> None:
    before, chosen = FOLLOWING[what]
    usual = UNITS_UP if has_systemd else SCRIPTS_UP
    past: list[YamlStep] = [{"hosts": "all", "steps": [*usual, *before]}]
    now: list[YamlStep] = [{"hosts": "all", "steps": chosen}]
    check(past, now, (1, 1), has_systemd=has_systemd)
