"""Steps for services, units and endpoints accept, observe and plan what they should."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from provision.errors import RefusedError
from provision.model.change import Change
from provision.model.shell import NOTHING, Reply
from provision.steps.services.service import Service, ServiceAbsent
from provision.steps.services.units.systemd_unit import SystemdUnit
from provision.steps.services.units.unit_absent import SystemdUnitAbsent
from provision.steps.system.reachable import Reachable

FILE = "/etc/x.conf"


def service(**more: Any) -> Service:
    return Service(**{"name": "x", "files": [FILE], **more})


def planned(step: Service, reply: str) -> tuple[list[str], dict[str, str]]:
    changes = step.plan(step.observe(Reply(reply)))
    params = step.apply(changes).params if changes else {}
    return [str(change) for change in changes], dict(params)


def test_a_service_in_order_needs_nothing() -> None:
    assert planned(service(), "running=true\nboot=true\nfiles=current\n")[0] == []


@pytest.mark.parametrize(
    ("reply", "act", "boot"),
    [
        ("running=true\nboot=true\nfiles=outdated\n", "restart", ""),
        ("running=false\nboot=true\nfiles=current\n", "restart", ""),
        ("running=failed\nboot=false\nfiles=current\n", "restart", "enable"),
        ("running=true\nboot=false\nfiles=current\n", "", "enable"),
        ("", "restart", "enable"),
    ],
)
def test_only_what_differs_is_done(reply: str, act: str, boot: str) -> None:
    params = planned(service(), reply)[1]
    assert (params["act"], params["boot"]) == (act, boot)


def test_a_service_that_should_not_run_is_stopped_and_disabled() -> None:
    step = service(running=False, boot=False)
    shown, params = planned(step, "running=true\nboot=true\nfiles=outdated\n")
    assert shown == ["running: true -> false", "boot: true -> false"]
    assert (params["act"], params["boot"]) == ("stop", "disable")


def test_a_unit_that_cannot_be_enabled_need_not_be_disabled() -> None:
    step = service(boot=False)
    assert planned(step, "running=true\nboot=static\nfiles=current\n")[0] == []


def test_files_that_are_not_given_are_not_managed() -> None:
    step = service(files=[])
    assert planned(step, "running=true\nboot=true\nfiles=outdated\n")[0] == []


@pytest.mark.parametrize(
    ("problem", "advice"),
    [
        ("this host has no service x", "`systemd_unit` step"),
        ("Unit x.service is masked.", "unmask x"),
        ("it still differs: boot: static -> true", "[Install]"),
        ("rolled back: 2 did not become healthy, 1 runs again", "set its version back"),
        ("something else", ""),
    ],
)
def test_a_failure_says_what_to_do(problem: str, advice: str) -> None:
    assert advice in service().advice(problem)


def test_a_service_from_an_archive_is_made_from_its_current_version() -> None:
    step = service(files=[], archive="/opt/x", health="http://[::1]:90/ready?a=b")
    shown, params = planned(step, "running=true\nboot=true\nfiles=outdated\n")
    assert shown == ["files: outdated -> current"]
    asked = (params["host"], params["port"], params["path"])
    assert asked == ("::1", "90", "/ready?a=b")


@pytest.mark.parametrize(
    "health", ["ready", "http://x", "http://x:99999/", "https://x:1/", "http://x:1/a b"]
)
def test_what_is_no_page_to_ask_is_refused(health: str) -> None:
    with pytest.raises(ValidationError):
        service(health=health)


@pytest.mark.parametrize("name", ["", "-x", "a b", "../x", "x/y"])
def test_what_is_no_name_of_a_service_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        service(name=name)


def test_a_service_to_be_removed_shows_what_it_does() -> None:
    step = ServiceAbsent(name="x")
    assert step.plan(step.observe(Reply("running=true\nboot=true\n"))) == [
        Change("running", "true", None),
        Change("boot", "true", None),
    ]


UNIT = SystemdUnit(name="x.service", content="[Service]\n")


def apply(fields: Sequence[str]) -> str:
    return UNIT.apply([Change(field, None, "x") for field in fields]).text


def test_a_unit_that_systemd_has_not_read_is_a_difference() -> None:
    changes = UNIT.plan({**UNIT.desired(), "loaded": "outdated"})
    assert changes == [Change("loaded", "outdated", "current")]


def test_a_unit_in_place_is_only_read_again() -> None:
    assert "mv" not in apply(["loaded"])
    assert "daemon-reload" in apply(["loaded"])


@pytest.mark.parametrize("fields", [["content"], ["mode"], ["content", "loaded"]])
def test_a_unit_that_differs_is_written_and_read(fields: Sequence[str]) -> None:
    assert "mv" in apply(fields) and "daemon-reload" in apply(fields)


def test_a_masked_unit_is_refused() -> None:
    with pytest.raises(RefusedError, match="is a symbolic link"):
        UNIT.plan({"type": "symbolic link"})


@pytest.mark.parametrize(
    "name", ["x", "x.conf", "../x.service", "a b.service", ".timer"]
)
def test_what_is_no_name_of_a_unit_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        SystemdUnit(name=name, content="")
    with pytest.raises(ValidationError):
        SystemdUnitAbsent(names=[name])


def endpoint(**more: Any) -> Reachable:
    return Reachable(**{"host": "10.0.0.7", "port": 9090, **more})


@pytest.mark.parametrize("host", ["", "a b", "../x", "/dev/tcp", "$(id)", "-x"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValidationError):
        endpoint(host=host)


@pytest.mark.parametrize("host", ["10.0.0.7", "::1", "fe80::1%eth0", "node-1.lab"])
def test_names_and_addresses_are_hosts(host: str) -> None:
    assert endpoint(host=host).host == host


@pytest.mark.parametrize("path", ["ready", "/a b", "/a\r\nX: y"])
def test_what_is_no_path_of_a_page_is_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        endpoint(path=path)


def test_an_endpoint_is_never_changed() -> None:
    assert endpoint().apply(endpoint().plan({})) == NOTHING


def test_another_code_than_200_is_a_difference() -> None:
    step = endpoint(path="/-/ready")
    assert step.plan({"http": "503"}) == [Change("http", "503", "200")]


@pytest.mark.parametrize(
    ("problem", "advice"),
    [
        ("it still differs: tcp: (absent) -> open", "firewall"),
        ("it still differs: http: no answer -> 200", "other than a web server"),
        ("it still differs: http: 503 -> 200", ""),
    ],
)
def test_a_missing_endpoint_says_what_to_do(problem: str, advice: str) -> None:
    assert advice in endpoint().advice(problem)
