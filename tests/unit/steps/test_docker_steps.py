"""Docker steps observe, plan and change what they should; no Docker needed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from provision.errors import ProbeError, RefusedError
from provision.model.change import Change
from provision.model.shell import Reply
from provision.model.step import Step
from provision.steps.docker.container.container import (
    DockerContainer,
    DockerContainerAbsent,
)
from provision.steps.docker.engine.engine import DockerEngine
from provision.steps.docker.engine.engine_absent import DockerEngineAbsent
from provision.steps.docker.image import DockerImage, DockerImageAbsent


def container(**more: Any) -> DockerContainer:
    return DockerContainer(**{"name": "web", "image": "nginx:1", **more})


def inspected(made_as: DockerContainer, **live: str) -> Reply:
    """The probe's reply for a container that was made as *made_as*."""
    lines = {
        "status": "running",
        "health": "",
        "restart": "unless-stopped",
        "image_id": "sha256:1",
        "files_then": "f1",
        "spec": json.dumps(made_as.spec()),
        "files_now": "f1",
        "image_now": "sha256:1",
        **live,
    }
    return Reply("".join(f"{key}={value}\n" for key, value in lines.items()))


def changes(step: Step, reply: Reply) -> list[str]:
    return [str(change) for change in step.plan(step.observe(reply))]


def test_a_container_that_is_not_there_is_one_change() -> None:
    assert changes(container(), Reply()) == ["container: (absent) -> nginx:1"]


def test_a_container_made_from_the_same_parameters_is_left_alone() -> None:
    same = container(env={"A": "1"}, command=["run", "--x=1"])
    assert changes(same, inspected(same)) == []


def test_what_is_desired_is_no_change() -> None:
    step = container(files=["/etc/x"], health={"command": "true"})
    assert step.plan(step.desired()) == []


def test_a_changed_variable_and_a_changed_flag_show_by_name() -> None:
    before = container(env={"A": "1", "B": "2"}, command=["run", "--cpus=1"])
    after = container(env={"A": "3"}, command=["run", "--cpus=2"])
    assert changes(after, inspected(before)) == [
        "--cpus: 1 -> 2",
        "env.A: 1 -> 3",
        "env.B: 2 -> (absent)",
    ]


def test_the_order_of_flags_does_not_matter() -> None:
    before = container(command=["run", "--a=1", "--b=2"])
    after = container(command=["run", "--b=2", "--a=1"])
    assert changes(after, inspected(before)) == []


def test_an_image_that_was_replaced_under_its_name_is_a_difference() -> None:
    reply = inspected(container(), image_now="sha256:2")
    assert changes(container(), reply) == ["image_id: sha256:1 -> sha256:2"]


def test_an_image_that_lost_its_name_is_not_a_difference_of_the_container() -> None:
    reply = inspected(container())
    lines = reply.stdout.replace("image_now=sha256:1\n", "")
    assert changes(container(), Reply(lines)) == []


def test_a_changed_file_is_a_difference_of_the_container_that_read_it() -> None:
    step = container(files=["/etc/x"])
    assert changes(step, inspected(step, files_now="f2")) == [
        "file./etc/x: outdated -> current"
    ]


def test_a_stopped_container_is_started_and_not_replaced() -> None:
    step = container()
    planned = step.plan(step.observe(inspected(step, status="exited")))
    assert [str(change) for change in planned] == ["status: exited -> running"]
    assert "docker run" not in step.apply(planned).text


def test_a_changed_restart_policy_is_updated_and_not_replaced() -> None:
    step = container()
    planned = step.plan(step.observe(inspected(step, restart="no")))
    assert planned == [Change("restart", "no", "unless-stopped")]
    assert "docker run" not in step.apply(planned).text


def test_an_edited_container_is_replaced() -> None:
    planned = container(init=False).plan(container().desired())
    assert "docker run" in container().apply(planned).text


def test_a_container_of_someone_else_is_refused() -> None:
    with pytest.raises(RefusedError, match="was not made by provision") as caught:
        changes(container(), inspected(container(), spec=""))
    assert "docker rm -f web" in caught.value.hint


def test_a_daemon_that_does_not_answer_is_not_an_absent_container() -> None:
    with pytest.raises(ProbeError):
        changes(container(), Reply("", "Cannot connect to the Docker daemon", 1))


@pytest.mark.parametrize("place", [{"env": {"KEY": 0}}, {"command": [0]}])
def test_a_secret_in_the_environment_or_command_is_refused(place: Any) -> None:
    secret = SecretStr("hunter2")
    given = {k: {"KEY": secret} if k == "env" else [secret] for k in place}
    with pytest.raises(ValidationError, match="mount that") as caught:
        container(**given)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("mount", "flag"),
    [
        ("/a", "--mount=type=bind,source=/a,target=/a"),
        ("/a:/b", "--mount=type=bind,source=/a,target=/b"),
        ("/a:ro", "--mount=type=bind,source=/a,target=/a,readonly"),
        ("/a:/b:ro", "--mount=type=bind,source=/a,target=/b,readonly"),
    ],
)
def test_a_mount_names_source_target_and_mode(mount: str, flag: str) -> None:
    step = container(mounts=[mount])
    assert flag in step.apply([Change("container", None, "x")]).args


@pytest.mark.parametrize("mount", ["data", "/a,b", "a:/b", "/a:/b:rw", "/a:b"])
def test_a_mount_that_docker_would_misread_is_refused(mount: str) -> None:
    with pytest.raises(ValidationError):
        container(mounts=[mount])


def test_the_size_of_shared_memory_in_percent_is_worked_out_on_the_host() -> None:
    sh = container(shm_percent=35).apply([Change("container", None, "x")])
    assert sh.params["shm_percent"] == "35"
    assert not any("shm" in word for word in sh.args)


def test_a_shared_memory_in_megabytes_wins_over_a_percentage() -> None:
    sh = container(shm_percent=35, shm_mb=64).apply([Change("container", None, "x")])
    assert sh.params["shm_percent"] == "0"
    assert "--shm-size=64m" in sh.args


def test_a_limit_of_the_output_is_divided_among_its_files() -> None:
    sh = container(log_max_mb=100).apply([Change("container", None, "x")])
    flags = [word for word in sh.args if word.startswith("--log")]
    assert flags == [
        "--log-driver=json-file",
        "--log-opt=max-size=25600k",
        "--log-opt=max-file=4",
    ]


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [(0, 100, "(absent) -> 100"), (100, 50, "100 -> 50"), (100, 0, "100 -> (absent)")],
)
def test_a_changed_limit_of_the_output_is_planned(
    before: int, after: int, change: str
) -> None:
    made = container(log_max_mb=before)
    wanted = container(log_max_mb=after)
    assert changes(wanted, inspected(made)) == [f"log_max_mb: {change}"]
    assert changes(made, inspected(made)) == []


@pytest.mark.parametrize("given", [{}, {"names": ["a"], "label": "b=c"}])
def test_containers_are_removed_by_name_or_by_label(given: Any) -> None:
    with pytest.raises(ValidationError, match="either names or a label"):
        DockerContainerAbsent(**given)


def test_containers_with_the_label_are_listed_before_they_go() -> None:
    step = DockerContainerAbsent(label="provision.cluster=lab")
    assert changes(step, Reply("ray-lab=rayproject/ray:2.60.0\n")) == [
        "ray-lab: rayproject/ray:2.60.0 -> (absent)"
    ]


def test_an_image_that_is_there_is_not_pulled() -> None:
    image = DockerImage(name="nginx:1")
    assert changes(image, Reply("id=sha256:1\nimage=nginx:1\n")) == []
    assert changes(image, Reply()) == ["image: (absent) -> nginx:1"]


@pytest.mark.parametrize(
    ("problem", "hint"),
    [
        ("manifest for nginx:0 not found: manifest unknown", "spelling"),
        ("write /var/lib/docker/tmp/x: no space left on device", "free space"),
        ("pull access denied for x, ... denied: access denied", "docker login"),
        ("dial tcp: lookup registry-1.docker.io: no such host", "DNS"),
        ("something else", ""),
    ],
)
def test_a_failed_pull_says_what_to_do(problem: str, hint: str) -> None:
    assert hint in DockerImage(name="nginx:0").advice(problem)


def test_an_image_to_be_removed_shows() -> None:
    step = DockerImageAbsent(name="nginx:1")
    assert "image: nginx:1 -> (absent)" in changes(
        step, Reply("id=sha256:1\nimage=nginx:1\n")
    )


def engine(running: str = "true", file: str | None = None, **more: str) -> Reply:
    lines = {
        "engine": "installed",
        "client": "installed",
        "running": running,
        "version": "20.10.24",
        "boot": "true",
        "loaded": "true",
        **more,
    }
    if file is not None:
        lines["file"] = base64.b64encode(file.encode()).decode()
    return Reply("".join(f"{key}={value}\n" for key, value in lines.items()))


MIRROR = DockerEngine(daemon={"registry-mirrors": ["http://mirror:5000"]})


def test_a_bare_host_gets_an_engine_in_one_change() -> None:
    assert changes(DockerEngine(), Reply()) == ["engine: (absent) -> installed"]


def test_an_engine_that_runs_is_taken_as_it_is() -> None:
    assert changes(DockerEngine(packages=["docker-ce"]), engine()) == []


def test_a_stopped_engine_is_started() -> None:
    assert changes(DockerEngine(), engine(running="false")) == [
        "running: false -> true"
    ]


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("missing", "no docker.service .*: podman version 4.3.1"),
        ("masked", "is masked"),
    ],
)
def test_an_engine_that_no_unit_starts_is_refused(unit: str, said: str) -> None:
    reply = engine(unit=unit, program="podman version 4.3.1")
    with pytest.raises(RefusedError, match=said):
        changes(DockerEngine(), reply)


def test_a_member_of_a_swarm_is_not_given_live_restore() -> None:
    reply = engine(swarm="active")
    with pytest.raises(RefusedError, match="member of a swarm") as caught:
        changes(DockerEngine(daemon={"live-restore": True}), reply)
    assert "docker_live_restore: null" in caught.value.hint
    assert changes(DockerEngine(daemon={"live-restore": None}), reply) == []
    there = engine(file='{"live-restore": true}')
    assert changes(DockerEngine(daemon={"live-restore": True}), there) == []


def test_keys_of_others_in_daemon_json_are_kept() -> None:
    reply = engine(file='{"debug": true, "registry-mirrors": ["http://old"]}')
    planned = MIRROR.plan(MIRROR.observe(reply))
    assert [str(change) for change in planned] == [
        'daemon.registry-mirrors: ["http://old"] -> ["http://mirror:5000"]'
    ]
    assert json.loads(MIRROR.apply(planned).params["document"]) == {
        "debug": True,
        "registry-mirrors": ["http://mirror:5000"],
    }


def test_a_key_with_an_empty_value_is_not_managed() -> None:
    step = DockerEngine(daemon={"registry-mirrors": []})
    assert changes(step, engine(file='{"registry-mirrors": ["http://old"]}')) == []


def test_a_daemon_json_written_but_not_loaded_is_a_difference() -> None:
    reply = engine(loaded="false", file='{"registry-mirrors": ["http://mirror:5000"]}')
    planned = MIRROR.plan(MIRROR.observe(reply))
    assert planned == [Change("loaded", "false", "true")]
    assert MIRROR.apply(planned).params["document"] == ""


@pytest.mark.parametrize(
    ("key", "value", "restart"),
    [("registry-mirrors", ["http://m"], "false"), ("data-root", "/data", "true")],
)
def test_the_daemon_is_restarted_only_for_what_it_cannot_reload(
    key: str, value: Any, restart: str
) -> None:
    step = DockerEngine(daemon={key: value})
    planned = step.plan(step.observe(engine()))
    assert step.apply(planned).params["restart"] == restart


@pytest.mark.parametrize("text", ['{"debug": true,}', "[]", "debug"])
def test_a_daemon_json_that_is_no_object_is_refused_and_shown(text: str) -> None:
    with pytest.raises(RefusedError, match=r"daemon\.json") as caught:
        changes(MIRROR, engine(file=text))
    assert caught.value.details == (text,)


def test_what_the_engine_should_be_is_no_change() -> None:
    assert MIRROR.plan(MIRROR.desired()) == []


def test_an_engine_with_containers_of_others_is_not_removed() -> None:
    step = DockerEngineAbsent(cluster="lab")
    with pytest.raises(RefusedError, match="registry db"):
        changes(step, Reply("engine=docker.io\ncontainers=registry db\n"))


def test_an_engine_of_ours_goes_and_one_of_others_stays() -> None:
    step = DockerEngineAbsent(cluster="lab")
    assert changes(step, Reply("engine=docker.io runc\n")) == [
        "engine: docker.io runc -> (absent)"
    ]
    assert changes(step, Reply()) == []
