"""A host after a teardown is as it was before the deploy, whatever was there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.apt_host import AptHost
from support.apt_host import possible as apt_is_possible
from support.namespace_host.host import NamespaceHost, possible
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

SNAPSHOT = r"""
cd /
find etc home opt srv ! -name '*-' ! -path 'etc/*.lock' -printf '%y %m %U:%G %p %l\n' | sort
find usr/local var var/lib -maxdepth 1 -printf '%y %m %U:%G %p %l\n' | sort
find etc srv -type f ! -name '*-' ! -name '*.lock' ! -path '*/ssl/*' -exec sha256sum {} + | sort
dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' 2>/dev/null | sort
ls /run/docker-stand-in-images 2>/dev/null || true
"""
"""The locks are those of useradd, which this machine's own /etc may have at the moment."""
PASTS = (
    "mkdir -m 750 /srv/a; chown 7:8 /srv/a",
    "mkdir -p /srv/a/b; echo mine >/srv/a/b/mine",
    "echo old >/srv/d; chmod 600 /srv/d; chown 7:8 /srv/d",
    "mkdir -p /srv/a; echo old >/srv/a/list",
    "mkdir -p '/srv/it is'",
    "useradd --system ann",
    "useradd --system --groups users ann",
    "useradd --system ann; usermod --append --groups staff ann",
    "groupadd --gid 4000 bob",
    "apt-get update -q; apt-get install -y -q tool-a",
    "apt-get update -q; apt-get install -y -q base",
    "apt-get update -q; apt-get install -y -q tool-a; apt-get remove -y -q tool-a",
    "apt-get update -q; apt-get install -y -q tool-a; echo mine >/srv/tool-a.conf;"
    "apt-get remove -y -q tool-a",
    "docker pull web:3",
    "mkdir -p /etc/systemd/system; echo '[Unit]' >/etc/systemd/system/one.service",
)
"""Commands that are run on a host before the deploy."""
LATER = (
    "[ ! -d /srv/a/b ] || echo mine >/srv/a/b/later",
    "echo mine >/srv/later",
    "apt-get update -q; apt-get install -y -q other",
)
"""Commands that are run on a host after the deploy, whose files a teardown leaves."""
PATHS = ("/srv/a", "/srv/a/b", "/srv/d", "/srv/a/list", "/srv/it is", "/srv/n/e/w")
UNIT = "[Service]\nExecStart=/bin/sleep 1\n[Install]\nWantedBy=multi-user.target\n"


def one(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def step(kind: str, **params: st.SearchStrategy[Any]) -> st.SearchStrategy[YamlStep]:
    return st.fixed_dictionaries(params).map(lambda given: {kind: given})


files = st.one_of(
    step("directory", path=one(*PATHS), mode=one("755", "700"), owner=one("0", "9")),
    step("file", path=one(*PATHS), content=one("x\n", "y\n"), mode=one("644")),
)
others = st.one_of(
    step("user", name=one("ann", "bob"), groups=one([], ["staff"], ["staff", "games"])),
    step("packages", names=one(["tool-a"], ["tool-b"], ["tool-b", "tool-a"])),
    step("docker_image", name=one("web:3")),
    step("systemd_unit", name=one("one.service"), content=one(UNIT)),
)
deploys = st.lists(st.one_of(files, files, others), min_size=1, max_size=7)
TEARDOWN: list[YamlStep] = [
    {"service_absent": {"name": "one"}},
    {"systemd_unit_absent": {"names": ["one.service"], "only_brought": True}},
    {"user_absent": {"name": "ann", "only_brought": True}},
    {"user_absent": {"name": "bob", "only_brought": True}},
    {"file_absent": {"paths": ["/srv/a", "/srv/d"], "only_brought": True}},
    {"file_absent": {"paths": ["/srv/it is", "/srv/n"], "only_brought": True}},
    {"docker_image_absent": {"name": "web:3", "only_brought": True}},
    {"packages_absent": {"names": ["tool-a", "tool-b"], "only_brought": True}},
    {"manifest_clean": {}},
]


def play(steps: Sequence[YamlStep]) -> list[YamlStep]:
    return numbered([{"hosts": "all", "steps": list(steps)}])


def snapshot(host: NamespaceHost) -> list[str]:
    return host.run(SNAPSHOT).splitlines()


@pytest.fixture(scope="module")
def apt(tmp_path_factory: pytest.TempPathFactory) -> AptHost:
    made = AptHost(tmp_path_factory.mktemp("apt"))
    made.offer("base")
    made.offer("tool-a", configuration="/srv/tool-a.conf")
    made.offer("tool-b", needs="base")
    made.offer("other")
    return made


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)
@given(
    pasts=st.lists(st.sampled_from(PASTS), max_size=4, unique=True),
    deploy=deploys,
    again=deploys,
    later=st.lists(st.sampled_from(LATER), max_size=1),
)
def test_a_teardown_leaves_a_host_as_it_was(
    pasts: list[str],
    deploy: list[YamlStep],
    again: list[YamlStep],
    later: list[str],
    apt: AptHost,
) -> None:
    with lab_of(1, apt=apt) as lab:
        host = lab.hosts["node1"]
        for past in pasts:
            host.run(f"{{ {past}; }} >/dev/null 2>&1 || true")
        before = snapshot(host)
        lab.run(Mode.APPLY, play(deploy), 1)
        lab.run(Mode.APPLY, play(again), 1)
        for act in later:
            host.run(f"{{ {act}; }} >/dev/null 2>&1 || true")
        planned = lab.run(Mode.PLAN, play(TEARDOWN), 1)
        done = lab.run(Mode.APPLY, play(TEARDOWN), 1)
        assert None not in done.values(), done
        for label, fields in done.items():
            assert planned[label] in [fields, {UNKNOWN.field}], label
        after = snapshot(host)
        assert set(before) - set(after) == set()
        extra = [line for line in set(after) - set(before) if "later" not in line]
        assert [line for line in extra if not line.startswith("other ")] == []
        second = lab.run(Mode.APPLY, play(TEARDOWN), 1)
        assert not any(second.values()), second


@pytest.mark.parametrize("change", ["true", "echo mine >/srv/tool-a.conf"])
def test_configuration_that_outlived_its_package_stays(
    change: str, apt: AptHost
) -> None:
    get = "apt-get -y -q"
    with lab_of(1, apt=apt) as lab:
        host = lab.hosts["node1"]
        host.run(f"{get} update; {get} install tool-a; {change}; {get} remove tool-a")
        before = snapshot(host)
        assert "tool-a rc " in before
        lab.run(Mode.APPLY, play([{"packages": {"names": ["tool-b", "tool-a"]}}]), 1)
        assert "tool-a ii " in snapshot(host)
        lab.run(Mode.APPLY, play(TEARDOWN), 1)
        assert snapshot(host) == before
