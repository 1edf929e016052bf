"""The keys of a daemon.json and the flags of its unit; no Docker needed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from provision.errors import RefusedError
from provision.steps.docker.engine.daemon_json.flags import Flag, flags
from provision.steps.docker.engine.engine import DockerEngine

UNIT = "/lib/systemd/system/docker.service"
UP = {
    "engine": "installed",
    "client": "installed",
    "running": "true",
    "boot": "true",
    "loaded": "true",
}


def started_with(words: str, **more: str) -> dict[str, str]:
    """The state of an engine that is started with *words*."""
    return {**UP, f"flags.{UNIT}": words, **more}


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        ("-H fd://", "hosts", "fd://"),
        ("-Hfd://", "hosts", "fd://"),
        ("--host=fd://", "hosts", "fd://"),
        ("--host fd://", "hosts", "fd://"),
        ("-D", "debug", ""),
        ("--debug", "debug", ""),
        ("-p /x", "pidfile", "/x"),
        ("--insecure-registry=x:5000", "insecure-registries", "x:5000"),
        ("--dns 8.8.8.8", "dns", "8.8.8.8"),
        ("--userns-remap=default", "userns-remap", "default"),
    ],
)
def test_a_flag_is_the_key_that_says_the_same(words: str, key: str, value: str) -> None:
    assert list(flags(started_with(words))) == [Flag(key, words, value, UNIT)]


def test_flags_follow_each_other() -> None:
    found = flags(started_with("--debug -H fd:// $DOCKER_OPTS --icc=false"))
    assert [flag.key for flag in found] == ["debug", "hosts", "icc"]


@pytest.mark.parametrize(
    ("words", "daemon", "file"),
    [
        ("-H fd://", {}, '{"hosts": ["fd://"]}'),
        ("-H fd://", {"hosts": ["unix:///x"]}, ""),
        ("--live-restore", {"live-restore": True}, ""),
        ("-l warn", {}, '{"log-level": "info"}'),
        ("--http-proxy=http://x", {}, '{"proxies": {"http-proxy": "http://x"}}'),
    ],
)
def test_what_is_said_twice_is_refused(
    words: str, daemon: dict[str, Any], file: str
) -> None:
    step = DockerEngine(daemon=daemon)
    with pytest.raises(RefusedError, match="would not start") as caught:
        step.plan(started_with(words, file=file))
    assert words in caught.value.message and UNIT in caught.value.message
    assert "systemctl edit docker" in caught.value.hint


@pytest.mark.parametrize(
    "words",
    [
        "",
        "-H fd:// --containerd=/run/x",
        "--add-runtime x=/y",
        "--config-file=/etc/docker/daemon.json",
    ],
)
def test_what_is_said_once_is_not(words: str) -> None:
    file = '{"debug": true, "runtimes": {"nvidia": {"path": "x"}}, "proxies": {}}'
    step = DockerEngine(daemon={"registry-mirrors": ["http://mirror:5000"]})
    assert step.plan(started_with(words, file=file))


def test_a_file_that_is_not_read_matters_only_for_keys() -> None:
    observed = started_with("--config-file=/etc/other.json")
    assert DockerEngine().plan(observed) == []
    with pytest.raises(RefusedError, match=r"does not read .*other\.json"):
        DockerEngine(daemon={"debug": True}).plan(observed)


@pytest.mark.parametrize(
    ("observed", "cause"),
    [
        (started_with("--userns-remap=default"), f"--userns-remap=default in {UNIT}"),
        (started_with("", file='{"userns-remap": "x"}'), "userns-remap in /etc/docker"),
        (started_with("", userns="remapped"), "the engine says so"),
    ],
)
def test_users_that_are_remapped(observed: dict[str, str], cause: str) -> None:
    assert DockerEngine().plan(observed) == [], "others may want it"
    with pytest.raises(RefusedError, match="share the host's network") as caught:
        DockerEngine(refuse_userns_remap=True).plan(observed)
    assert cause in caught.value.message


def test_users_that_a_playbook_wants_remapped() -> None:
    step = DockerEngine(daemon={"userns-remap": "default"}, refuse_userns_remap=True)
    with pytest.raises(RefusedError, match="userns-remap in"):
        step.plan({})


@pytest.mark.parametrize(
    ("key", "value", "form"),
    [
        ("live-restore", "yes", "true or false"),
        ("mtu", "1500", "a whole number"),
        ("mtu", True, "a whole number"),
        ("data-root", ["/x"], "a text"),
        ("dns", "8.8.8.8", "a list of texts"),
        ("log-opts", {"max-file": 3}, "a mapping to texts"),
        ("features", {"buildkit": "true"}, "a mapping to true or false"),
        ("runtimes", {"nvidia": "path"}, "a mapping to mappings"),
        ("registry-mirrors", ["mirror:5000"], "http://HOST or https://HOST"),
        (
            "registry-mirrors",
            ["http://me:secret@mirror"],
            "without a name and password",
        ),
    ],
)
def test_a_value_that_dockerd_refuses_never_reaches_a_host(
    key: str, value: Any, form: str
) -> None:
    with pytest.raises(ValidationError, match=f"{key}: .*{form}"):
        DockerEngine(daemon={key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("live-restore", False),
        ("live-restore", None),
        ("registry-mirrors", []),
        ("registry-mirrors", ["https://mirror.example.org"]),
        ("log-opts", {"max-file": "3"}),
        ("a-key-of-a-later-version", {"x": [1]}),
    ],
)
def test_a_value_that_dockerd_takes_is_taken(key: str, value: Any) -> None:
    assert DockerEngine(daemon={key: value}).daemon == {key: value}


def test_a_feature_that_counts_from_the_next_start_is_a_restart() -> None:
    step = DockerEngine(daemon={"features": {"containerd-snapshotter": True}})
    assert step.apply(step.plan(UP)).params["restart"] == "true"
