"""The stand-in for Grafana: what it reads, what it refuses, what it answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.lab.grafana_stub import Refused
from provision.lab.grafana_stub.__main__ import main
from provision.lab.grafana_stub.ini import Settings, parse
from provision.lab.grafana_stub.pages import Answer, Request, Site
from provision.lab.grafana_stub.provisioning import dashboards, datasources
from provision.lab.grafana_stub.users import Users
from provision.lab.supplies.images import DATA

SOURCE = {"name": "P", "uid": "p", "type": "prometheus", "url": "http://10.0.0.1:9090"}


class Place:
    """A host's files: the home path, the settings, the provisioning folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env: dict[str, str] = {}
        (folder / "conf").mkdir()
        defaults = (DATA / "grafana_defaults.ini").read_text()
        (folder / "conf" / "defaults.ini").write_text(defaults)
        self.ini("[paths]\nprovisioning = given\n")

    def ini(self, text: str) -> None:
        (self.folder / "grafana.ini").write_text(text)

    def given(self, kind: str, content: object) -> None:
        folder = self.folder / "given" / kind
        folder.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else yaml.safe_dump(content)
        (folder / "a.yml").write_text(text)

    def sources(self, *sources: Mapping[str, Any]) -> None:
        self.given("datasources", {"apiVersion": 1, "datasources": [*sources]})

    def provider(self, **more: Any) -> None:
        options = {"path": str(self.folder / "boards")}
        provider = {"name": "x", "type": "file", "options": options, **more}
        self.given("dashboards", {"apiVersion": 1, "providers": [provider]})

    def board(self, name: str, content: object) -> None:
        folder = self.folder / "boards"
        folder.mkdir(exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(text)

    def settings(self, *overrides: str) -> Settings:
        ini = str(self.folder / "grafana.ini")
        return Settings.load(self.folder, ini, overrides, self.env)

    def boards(self) -> tuple[list[str], list[str]]:
        """The uids of the dashboards, and what was logged."""
        told: list[str] = []
        found = dashboards(self.settings(), lambda _, message: told.append(message))
        return list(found), told

    def ask(self, path: str, login: str = "", **more: Any) -> Answer:
        config = self.settings()
        users = Users.open(config)
        site = Site(config, users, datasources(config), lambda *_: None)
        header = f"Basic {base64.b64encode(login.encode()).decode()}" if login else ""
        path, _, query = path.partition("?")
        return site.answer(Request(path, query, more.get("body"), site.role(header)))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_settings_come_from_file_environment_and_command_line(place: Place) -> None:
    place.ini("[server]\nhttp_port = 1\ndomain = a ; said twice\n")
    place.env = {"GF_SERVER_DOMAIN": "b", "GF_AUTH_ANONYMOUS_ENABLED": "true"}
    config = place.settings("cfg:default.paths.data=/d", "cfg:log.level=debug")
    assert config.port() == 1
    assert config.get("server", "root_url") == "http://b:1/"
    assert config.on("auth.anonymous", "enabled")
    assert config.get("paths", "data") == "/d"
    assert config.get("log", "level") == "debug"


def test_a_setting_can_be_in_a_file_of_its_own(place: Place) -> None:
    (place.folder / "pw").write_text("hunter2\n")
    place.ini(f"[security]\nadmin_password = $__file{{{place.folder}/pw}}\n")
    assert place.settings().get("security", "admin_password") == "hunter2"
    (place.folder / "pw").unlink()
    with pytest.raises(Refused, match=r"security.admin_password with expander file"):
        place.settings()


@pytest.mark.parametrize("text", ["[server\n", "[server]\nno value\n"])
def test_what_is_no_ini_file_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r'failed to parse "x\.ini"'):
        parse(text, "x.ini")


def test_values_lose_their_quotes() -> None:
    assert parse('a = """x"""\n[s]\nB = "y"\n', "") == {
        "DEFAULT": {"a": "x"},
        "s": {"B": "y"},
    }


def test_missing_files_are_refused(place: Place) -> None:
    with pytest.raises(Refused, match=r"failed to parse .*none.ini"):
        Settings.load(place.folder, f"{place.folder}/none.ini", [], {})
    with pytest.raises(Refused, match="could not find config defaults"):
        Settings.load(place.folder / "none", "", [], {})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": ""}, "has no name"),
        ({"type": None}, "has no type"),
        ({"url": "10.0.0.1:9090"}, "validation of data source URL failed"),
        ({"access": "server"}, "invalid access value"),
        ({"isDefualt": True}, "unknown keys: isDefualt"),
    ],
)
def test_a_bad_data_source_is_refused(
    change: dict[str, Any], problem: str, place: Place
) -> None:
    place.sources({**SOURCE, **change})
    with pytest.raises(Refused, match=problem):
        datasources(place.settings())


def test_two_default_data_sources_are_refused(place: Place) -> None:
    first = {**SOURCE, "isDefault": True}
    place.sources(first, {**first, "name": "Q", "uid": "q"})
    with pytest.raises(Refused, match="Only one datasource"):
        datasources(place.settings())


def test_variables_in_a_data_source_are_replaced(place: Place) -> None:
    place.env = {"PORT": "1"}
    place.sources({**SOURCE, "url": "http://a:$PORT/$$x", "jsonData": {"a": "${PORT}"}})
    [source] = datasources(place.settings())
    assert (source["url"], source["jsonData"]) == ("http://a:1/$x", {"a": "1"})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a: [", "a.yml"),
        ("- x\n", "is no mapping"),
        ({"datasources": []}, "apiVersion must be 1"),
        ({"apiVersion": 1, "datasource": []}, "unknown keys: datasource"),
    ],
)
def test_a_bad_file_is_refused(content: object, problem: str, place: Place) -> None:
    place.given("datasources", content)
    with pytest.raises(Refused, match=problem):
        datasources(place.settings())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": ""}, "has no name"),
        ({"type": "folder"}, "unknown provider type folder"),
        ({"options": {}}, "path param is not a string"),
        ({"options": {"path": "/none/at/all"}}, "cannot read directory /none/at/all"),
        ({"option": {}}, "unknown keys: option"),
    ],
)
def test_a_bad_provider_of_dashboards_is_refused(
    change: dict[str, Any], problem: str, place: Place
) -> None:
    place.board("a.json", {"title": "A"})
    place.provider(**change)
    with pytest.raises(Refused, match=problem):
        place.boards()


def test_a_bad_dashboard_is_told_and_left_out(place: Place) -> None:
    place.provider()
    place.board("good.json", {"title": "Good", "uid": "good"})
    place.board("bad.json", "{")
    place.board("untitled.json", {"uid": "x"})
    place.board("twice.json", {"title": "1", "uid": "same"})
    place.board("twice too.json", {"title": "2", "uid": "same"})
    found, told = place.boards()
    assert found == ["good"]
    assert len(told) == 3


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/health", 200),
        ("/login", 200),
        ("/metrics", 200),
        ("/", 302),
        ("/d/good", 302),
        ("/api/search", 401),
        ("/api/datasources", 401),
        ("/api/datasources/proxy/uid/p/api/v1/query", 401),
        ("/api/none", 404),
    ],
)
def test_who_is_nobody_sees_little(path: str, status: int, place: Place) -> None:
    assert place.ask(path).status == status


def test_anonymous_viewers_see_dashboards_only(place: Place) -> None:
    place.ini("[paths]\nprovisioning = given\n[auth.anonymous]\nenabled = true\n")
    place.provider()
    place.board("good.json", {"title": "Good", "uid": "good"})
    assert place.ask("/d/good/good").status == 200
    assert place.ask("/d-solo/none").status == 404
    assert place.ask("/api/datasources").status == 403
    assert place.ask("/api/search", "admin:wrong").status == 401


def test_the_admin_sees_all(place: Place) -> None:
    place.sources(SOURCE)
    place.provider(folder="Mine")
    place.board("good.json", {"title": "Good one", "uid": "good"})
    [source] = json.loads(place.ask("/api/datasources", "admin:admin").content)
    assert source["uid"] == "p"
    [hit] = json.loads(place.ask("/api/search?query=ONE", "admin:admin").content)
    assert (hit["uid"], hit["folderTitle"]) == ("good", "Mine")
    assert json.loads(place.ask("/api/search?query=x", "admin:admin").content) == []
    told = json.loads(place.ask("/api/dashboards/uid/good", "admin:admin").content)
    assert told["dashboard"]["title"] == "Good one"
    bad = place.ask("/api/ds/query", "admin:admin", body=b"{}")
    assert bad.status == 400


def test_a_password_counts_from_the_first_start_on(place: Place) -> None:
    assert place.ask("/api/search", "admin:admin").status == 200
    place.ini("[security]\nadmin_password = other\n")
    assert place.ask("/api/search", "admin:other").status == 401
    Users.open(place.settings()).reset("third")
    assert place.ask("/api/search", "admin:third").status == 200


def test_a_refusal_ends_with_1_and_says_why(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.sources({**SOURCE, "name": ""})
    words = [f"--homepath={place.folder}", "--config", f"{place.folder}/grafana.ini"]
    assert main(["server", *words]) == 1
    assert "Datasource provisioning error" in capsys.readouterr().err
    assert main(["server", "--prot=1"]) == 1
    assert main(["dance"]) == 1


def test_it_never_passes_for_grafana(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert "stand-in" in capsys.readouterr().out
