"""The commands about images where Docker says no; with a real Docker: tests/lab/images."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from place import Place
from support.printed.schemas import check

from provision.config.inventory import Host
from provision.engine.each_host import Results
from provision.errors import HostError
from provision.ray.images.facts import Image
from provision.ray.images.spread import _divided, _image_of

DOCKER = """#!/bin/sh
echo "$*" >>"$LOG"
case $* in
"image ls"*) echo sha256:base ;;
"ps"*) ;;
"image inspect --format image"*)
    echo 'image {"id":"sha256:base","names":["b:1"],"digests":null,"size":5,"created":"","came":"","labels":null}' ;;
"image inspect --format id="*" b:1") echo id=sha256:base ;;
"container inspect --size"*)
    [ -z "$NO_CONTAINER" ] || { echo "Error: No such container: ray-c" >&2; exit 1; }
    echo '{"Id":"c0","Image":"sha256:base","State":{"Status":"'"${STATUS:-running}"'"},"SizeRw":'"${SIZE:-5}"',"Config":{"Image":"b:1"}}' ;;
"container inspect --format"*) echo sha256:base ;;
"image inspect"*" sha256:base") echo '{"Id":"sha256:base","RepoDigests":[],"Config":{}}' ;;
"image inspect"*" taken:1") echo '{"Id":"sha256:other","Config":{"Labels":null}}' ;;
"image inspect"*) exit 1 ;;
info*) echo / ;;
commit*) echo sha256:new ;;
cp*) exit 1 ;;
esac
"""
ON = ("-i", "inv.yml")


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with the calls of `docker`, which is a script here."""
    tools, log = tmp_path / "bin", tmp_path / "calls"
    tools.mkdir()
    (tools / "docker").write_text(DOCKER)
    (tools / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(log))
    log.touch()
    return log


def commit(here: Place, *words: str) -> tuple[int, str]:
    return here("commit", *words, *ON)


def test_a_commit_says_what_it_made(here: Place, docker: Path) -> None:
    code, shown = commit(here, "one", "--tag", "lab/ray:mine")
    assert code == 0, shown
    assert "one: lab/ray:mine is b:1 and 0.0 MB more" in shown
    assert "commit one --tag lab/ray:mine --deploy` brings it to the other" in shown
    calls = docker.read_text().splitlines()
    [made] = [call for call in calls if call.startswith("commit --author")]
    assert made.endswith(" lab/ray:mine")


def test_json_is_as_its_schemas_say(here: Place, docker: Path) -> None:
    code, shown = commit(here, "one", "--tag", "lab/ray:mine", "--json")
    check("commit", json.loads(shown))
    assert (code, json.loads(shown)["id"]) == (0, "sha256:new")
    code, shown = here("images", "--json", *ON)
    check("images", json.loads(shown))
    assert (code, [*json.loads(shown)["hosts"]]) == (0, ["one", "two"])


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("one",), 5, "commit needs a name"),
        (("one", "--tag", "Not a tag"), 5, "--tag takes the name of an image"),
        (("nobody", "--tag", "a:1"), 5, "nobody"),
        (("all", "--tag", "a:1"), 5, "'all' chooses several hosts"),
        (("one", "--tag", "taken:1"), 2, "is that of another image, sha256:other"),
    ],
)
def test_what_cannot_be_committed(
    here: Place, docker: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    found, shown = commit(here, *words)
    assert (found, says in shown) == (code, True), shown
    assert "commit " not in docker.read_text()


def test_no_such_container_and_no_room(
    here: Place, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIZE", str(2**60))
    code, shown = commit(here, "one", "--tag", "a:1")
    assert (code, "no room for the image" in shown) == (2, True), shown
    assert "images.prune" in shown
    monkeypatch.setenv("STATUS", "exited")
    code, shown = commit(here, "one", "--tag", "a:1")
    assert (code, " is exited, not running" in shown) == (2, True), shown
    monkeypatch.setenv("NO_CONTAINER", "1")
    code, shown = commit(here, "one", "--tag", "a:1")
    assert (code, "there is no container ray-" in shown) == (2, True), shown
    assert "not deployed" in shown and "commit " not in docker.read_text()


def test_no_image_has_the_mark_of_a_healthy_container(
    here: Place, docker: Path
) -> None:
    tool = docker.parent / "bin/docker"
    tool.write_text(tool.read_text().replace("cp*) exit 1", "cp*) exit 0"))
    code, shown = commit(here, "one", "--tag", "a:1")
    assert (code, "in each of three images" in shown) == (2, True), shown
    assert docker.read_text().count("image rm a:1\n") == 3


def test_a_host_without_docker_is_not_deployed(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "few"
    tools.mkdir()
    for tool in ("sh", "timeout", "cat", "id", "sed", "tr", "setsid", "kill"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setattr("provision.model.framing.PRELUDE", "export LC_ALL=C")
    for words in (("images",), ("commit", "one", "--tag", "a:1")):
        code, shown = here(*words, *ON)
        assert (code, "Docker is not installed on this host" in shown) == (2, True)


def test_a_docker_that_fails_is_no_host_without_images(
    here: Place, docker: Path
) -> None:
    tool = docker.parent / "bin/docker"
    tool.write_text("#!/bin/sh\necho 'Cannot connect to the daemon' >&2\nexit 1\n")
    code, shown = here("images", *ON)
    assert (code, shown.count("Cannot connect to the daemon")) == (2, 2), shown
    assert "no images" not in shown


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--keep", "-1"), "--keep takes a number from 0 on"),
        (("--keep", "x"), "--keep takes a number from 0 on"),
        (("--older-than", "x"), "'x' is no age"),
        (("--limit", "nobody"), "nobody"),
    ],
)
def test_bad_options_of_a_prune(
    here: Place, docker: Path, words: tuple[str, ...], says: str
) -> None:
    code, shown = here("images.prune", *words, *ON)
    assert (code, says in shown) == (5, True), shown
    assert docker.read_text() == ""


class TestSpreading:
    """Hosts that are asked before an archive is made."""

    NAMED = {"a": "sha256:1", "b": "sha256:1", "c": "sha256:2"}

    def test_hosts_are_divided_by_what_they_have(self) -> None:
        hosts = [Host(name, (), {}) for name in "abcdef"]
        values = {
            name: (Image(one, ("x/y:1",), (), 1, 0, 0, {}),)
            for name, one in self.NAMED.items()
        }
        seen = Results({**values, "d": ()}, {"e": HostError("e: gone")}, ("f",))
        found, lacking = _divided(hosts, seen, "sha256:1", "docker.io/x/y:1")
        assert [one.name for one in lacking] == ["d"]
        assert found.values == {"a": "there", "b": "there"}
        assert found.unfinished == ("f",)
        assert "that of another image, sha256:2" in found.errors["c"].message
        assert found.errors["e"].message == "e: gone"

    def test_an_image_that_is_not_on_its_host_is_an_error(self) -> None:
        with pytest.raises(HostError, match="h: there is no image x:1"):
            _image_of(Results({"h": ()}, {}), "h", "x:1")
        with pytest.raises(HostError, match="gone"):
            _image_of(Results({}, {"h": HostError("gone")}), "h", "x:1")


CLUSTER = """
all:
  vars: {cluster: c, ansible_connection: local, ansible_become: false}
  children:
    head: {hosts: {one: {address: 127.0.0.2}}}
    workers: {hosts: {two: {address: 127.0.0.3}}}
"""


class TestPrune:
    @pytest.fixture
    def there(
        self, here: Place, docker: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Place:
        """A cluster, and the playbook of the deploy; the image b:1 came by a run."""
        (here.folder / "inv.yml").write_text(CLUSTER)
        manifest = docker.parent / "noted"
        manifest.mkdir()
        (manifest / "manifest").write_text("absent image:b:1\n")
        monkeypatch.setenv("PROVISION_MANIFEST", str(manifest))
        tool = docker.parent / "bin/docker"
        when = '"came":"2020-01-01T00:00:00Z"'
        tool.write_text(tool.read_text().replace('"came":""', when))
        return here

    def test_a_plan_names_what_would_go_and_the_line_that_does_it(
        self, there: Place, docker: Path
    ) -> None:
        words = ("images.prune", *ON, "--check", "--keep", "0", "--older-than", "7d")
        code, shown = there(*words)
        assert (code, shown.count("image: b:1 -> (absent)")) == (3, 2), shown
        assert "images.prune --inventory inv.yml --keep 0 --older-than 7d`" in shown
        assert "image rm" not in docker.read_text()

    def test_without_a_terminal_nothing_is_removed(
        self, there: Place, docker: Path
    ) -> None:
        code, shown = there("images.prune", *ON, "--keep", "0")
        assert (code, "nothing was removed: images.prune asks" in shown) == (5, True)
        assert "image rm" not in docker.read_text()

    def test_the_latest_and_what_the_inventory_names_stay(
        self, there: Place, docker: Path
    ) -> None:
        for words in ((), ("--keep", "0", "--set", "ray_image=b:1")):
            code, shown = there("images.prune", *ON, "--yes", *words)
            assert (code, "no image to remove" in shown) == (0, True), shown

    def test_yes_removes(self, there: Place, docker: Path) -> None:
        there("images.prune", *ON, "--keep", "0", "--yes", "--limit", "one")
        assert "image rm b:1\n" in docker.read_text()
