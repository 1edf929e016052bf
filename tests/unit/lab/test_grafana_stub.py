"""The stand-in for Grafana: settings, provisioning files, and HTTP responses."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.lab.grafana_stub import ConfigError
from provision.lab.grafana_stub.__main__ import main
from provision.lab.grafana_stub.ini import Settings, parse
from provision.lab.grafana_stub.pages import Request, Response, Site
from provision.lab.grafana_stub.provisioning import dashboards, datasources
from provision.lab.grafana_stub.users import Users
from provision.lab.supplies.images import DATA

SOURCE = {"name": "P", "uid": "p", "type": "prometheus", "url": "http://10.0.0.1:9090"}


class GrafanaFiles:
    """Files on a host: the home path, the settings, the provisioning folder."""

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

    def dashboard(self, name: str, content: object) -> None:
        folder = self.folder / "boards"
        folder.mkdir(exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(text)

    def settings(self, *overrides: str) -> Settings:
        ini = str(self.folder / "grafana.ini")
        return Settings.load(self.folder, ini, overrides, self.env)

    def boards(self) -> tuple[list[str], list[str]]:
        """Return the uids of the dashboards, and the logged messages."""
        messages: list[str] = []
        found = dashboards(self.settings(), lambda _, message: messages.append(message))
        return list(found), messages

    def ask(self, path: str, login: str = "", **more: Any) -> Response:
        config = self.settings()
        users = Users.open(config)
        site = Site(config, users, datasources(config), lambda *_: None)
        header = f"Basic {base64.b64encode(login.encode()).decode()}" if login else ""
        path, _, query = path.partition("?")
        return site.respond(Request(path, query, more.get("body"), site.role(header)))


@pytest.fixture
def files(tmp_path: Path) -> GrafanaFiles:
    return GrafanaFiles(tmp_path)


def test_settings_come_from_file_environment_and_command_line(
    files: GrafanaFiles,
) -> None:
    files.ini("[server]\nhttp_port = 1\ndomain = a ; a comment\n")
    files.env = {"GF_SERVER_DOMAIN": "b", "GF_AUTH_ANONYMOUS_ENABLED": "true"}
    config = files.settings("cfg:default.paths.data=/d", "cfg:log.level=debug")
    assert config.port() == 1
    assert config.get("server", "root_url") == "http://b:1/"
    assert config.is_true("auth.anonymous", "enabled")
    assert config.get("paths", "data") == "/d"
    assert config.get("log", "level") == "debug"


def test_a_setting_can_be_in_a_file_of_its_own(files: GrafanaFiles) -> None:
    (files.folder / "pw").write_text("hunter2\n")
    files.ini(f"[security]\nadmin_password = $__file{{{files.folder}/pw}}\n")
    assert files.settings().get("security", "admin_password") == "hunter2"
    (files.folder / "pw").unlink()
    with pytest.raises(
        ConfigError, match=r"security.admin_password with expander file"
    ):
        files.settings()


@pytest.mark.parametrize("text", ["[server\n", "[server]\nno value\n"])
def test_a_file_that_is_not_ini_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r'failed to parse "x\.ini"'):
        parse(text, "x.ini")


def test_values_lose_their_quotes() -> None:
    assert parse('a = """x"""\n[s]\nB = "y"\n', "") == {
        "DEFAULT": {"a": "x"},
        "s": {"B": "y"},
    }


def test_missing_files_are_refused(files: GrafanaFiles) -> None:
    with pytest.raises(ConfigError, match=r"failed to parse .*none.ini"):
        Settings.load(files.folder, f"{files.folder}/none.ini", [], {})
    with pytest.raises(ConfigError, match="could not find config defaults"):
        Settings.load(files.folder / "none", "", [], {})


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
    change: dict[str, Any], problem: str, files: GrafanaFiles
) -> None:
    files.sources({**SOURCE, **change})
    with pytest.raises(ConfigError, match=problem):
        datasources(files.settings())


def test_two_default_data_sources_are_refused(files: GrafanaFiles) -> None:
    first = {**SOURCE, "isDefault": True}
    files.sources(first, {**first, "name": "Q", "uid": "q"})
    with pytest.raises(ConfigError, match="Only one datasource"):
        datasources(files.settings())


def test_variables_in_a_data_source_are_refilesd(files: GrafanaFiles) -> None:
    files.env = {"PORT": "1"}
    files.sources({**SOURCE, "url": "http://a:$PORT/$$x", "jsonData": {"a": "${PORT}"}})
    [source] = datasources(files.settings())
    assert (source["url"], source["jsonData"]) == ("http://a:1/$x", {"a": "1"})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a: [", "a.yml"),
        ("- x\n", "is not a mapping"),
        ({"datasources": []}, "apiVersion must be 1"),
        ({"apiVersion": 1, "datasource": []}, "unknown keys: datasource"),
    ],
)
def test_a_bad_file_is_refused(
    content: object, problem: str, files: GrafanaFiles
) -> None:
    files.given("datasources", content)
    with pytest.raises(ConfigError, match=problem):
        datasources(files.settings())


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
    change: dict[str, Any], problem: str, files: GrafanaFiles
) -> None:
    files.dashboard("a.json", {"title": "A"})
    files.provider(**change)
    with pytest.raises(ConfigError, match=problem):
        files.boards()


def test_a_bad_dashboard_is_logged_and_left_out(files: GrafanaFiles) -> None:
    files.provider()
    files.dashboard("good.json", {"title": "Good", "uid": "good"})
    files.dashboard("bad.json", "{")
    files.dashboard("untitled.json", {"uid": "x"})
    files.dashboard("twice.json", {"title": "1", "uid": "same"})
    files.dashboard("twice too.json", {"title": "2", "uid": "same"})
    found, messages = files.boards()
    assert found == ["good"]
    assert len(messages) == 3


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
def test_without_a_login_little_is_shown(
    path: str, status: int, files: GrafanaFiles
) -> None:
    assert files.ask(path).status == status


def test_anonymous_viewers_see_dashboards_only(files: GrafanaFiles) -> None:
    files.ini("[paths]\nprovisioning = given\n[auth.anonymous]\nenabled = true\n")
    files.provider()
    files.dashboard("good.json", {"title": "Good", "uid": "good"})
    assert files.ask("/d/good/good").status == 200
    assert files.ask("/d-solo/none").status == 404
    assert files.ask("/api/datasources").status == 403
    assert files.ask("/api/search", "admin:wrong").status == 401


def test_the_admin_sees_all(files: GrafanaFiles) -> None:
    files.sources(SOURCE)
    files.provider(folder="Mine")
    files.dashboard("good.json", {"title": "Good one", "uid": "good"})
    [source] = json.loads(files.ask("/api/datasources", "admin:admin").content)
    assert source["uid"] == "p"
    [hit] = json.loads(files.ask("/api/search?query=ONE", "admin:admin").content)
    assert (hit["uid"], hit["folderTitle"]) == ("good", "Mine")
    assert json.loads(files.ask("/api/search?query=x", "admin:admin").content) == []
    reply = json.loads(files.ask("/api/dashboards/uid/good", "admin:admin").content)
    assert reply["dashboard"]["title"] == "Good one"
    bad = files.ask("/api/ds/query", "admin:admin", body=b"{}")
    assert bad.status == 400


def test_the_password_of_the_first_start_stays(files: GrafanaFiles) -> None:
    assert files.ask("/api/search", "admin:admin").status == 200
    files.ini("[security]\nadmin_password = other\n")
    assert files.ask("/api/search", "admin:other").status == 401
    Users.open(files.settings()).reset("third")
    assert files.ask("/api/search", "admin:third").status == 200


def test_an_error_ends_with_1_and_gives_the_reason(
    files: GrafanaFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    files.sources({**SOURCE, "name": ""})
    words = [f"--homepath={files.folder}", "--config", f"{files.folder}/grafana.ini"]
    assert main(["server", *words]) == 1
    assert "Datasource provisioning error" in capsys.readouterr().err
    assert main(["server", "--prot=1"]) == 1
    assert main(["dance"]) == 1


def test_it_never_claims_to_be_grafana(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert "stand-in" in capsys.readouterr().out
