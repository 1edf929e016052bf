"""Provisioning files: data sources, and folders of dashboards.

Stricter than Grafana in two points, so that mistakes show in the lab: Grafana ignores
unknown keys, and only logs that a folder of dashboards is missing.

Source: grafana.com, "Provision Grafana"; pkg/services/provisioning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from provision.lab.grafana_stub import ConfigError
from provision.lab.grafana_stub.ini import Settings, expand

Log = Callable[[str, str], None]
VARIABLE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")
SOURCE_KEYS = {
    *("name", "type", "access", "orgId", "uid", "url", "user", "database"),
    *("basicAuth", "basicAuthUser", "withCredentials", "isDefault", "jsonData"),
    *("secureJsonData", "version", "editable", "correlations", "apiVersion"),
}
SOURCE_FILE_KEYS = {"apiVersion", "datasources", "deleteDatasources", "prune"}
PROVIDER_KEYS = {
    *("name", "orgId", "folder", "folderUid", "type", "disableDeletion", "editable"),
    *("updateIntervalSeconds", "allowUiUpdates", "options"),
}
OPTION_KEYS = {"path", "folder", "foldersFromFilesStructure"}


def _files(config: Settings, kind: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    folder = config.path("provisioning") / kind
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        try:
            content = yaml.safe_load(path.read_text())
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise ConfigError(f"{kind} provisioning error: {path}: {error}") from error
        if content is None:
            continue
        if not isinstance(content, dict):
            raise ConfigError(f"{kind} provisioning error: {path}: is not a mapping")
        if content.get("apiVersion") != 1:
            raise ConfigError(
                f"{kind} provisioning error: {path}: apiVersion must be 1"
            )
        yield path, content


def _check_keys(given: Any, keys: set[str], where: str) -> None:
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where} is not a mapping")
    if unknown := sorted(map(str, given.keys() - keys)):
        raise ConfigError(f"{where} has unknown keys: {', '.join(unknown)}")


def _expand_variables(value: Any, config: Settings, where: str) -> Any:
    """Return *value* with the variables in its texts replaced."""
    if isinstance(value, dict):
        return {
            key: _expand_variables(item, config, where) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_expand_variables(item, config, where) for item in value]
    if not isinstance(value, str):
        return value

    def one(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return config.env.get(name, "") if name else "$"

    return VARIABLE.sub(one, expand(value, config.env, where))


def datasources(config: Settings) -> list[dict[str, Any]]:
    """Return the data sources, in the form of the HTTP API.

    Raises:
        ConfigError: one of them is invalid.
    """
    found: dict[str, dict[str, Any]] = {}
    error = "Datasource provisioning error"
    for path, content in _files(config, "datasources"):
        _check_keys(content, SOURCE_FILE_KEYS, f"{error}: {path}")
        for given in content.get("datasources") or []:
            _check_keys(given, SOURCE_KEYS, f"{error}: {path}: a data source")
            source = _source(_expand_variables(given, config, str(path)), path)
            found[source["name"]] = {"id": len(found) + 1, **source}
    if len([source for source in found.values() if source["isDefault"]]) > 1:
        raise ConfigError(
            f"{error}: datasource.yaml config is invalid. Only one datasource per "
            "organization can be marked as default"
        )
    return list(found.values())


def _source(given: dict[str, Any], path: Path) -> dict[str, Any]:
    error = f"Datasource provisioning error: {path}"
    for key in ("name", "type"):
        if not isinstance(given.get(key), str) or not given[key]:
            raise ConfigError(f"{error}: a data source has no {key}")
    url = str(given.get("url", ""))
    if not re.match(r"https?://[^/]+", url):
        raise ConfigError(
            f"{error}: {given['name']}: validation of data source URL failed"
        )
    if given.get("access", "proxy") not in {"proxy", "direct"}:
        raise ConfigError(f"{error}: {given['name']}: invalid access value")
    uid = given.get("uid") or re.sub(r"[^A-Za-z0-9]", "", given["name"])[:40]
    return {
        "uid": str(uid),
        "orgId": given.get("orgId", 1),
        "name": given["name"],
        "type": given["type"],
        "access": given.get("access", "proxy"),
        "url": url,
        "isDefault": bool(given.get("isDefault", False)),
        "jsonData": given.get("jsonData") or {},
        "readOnly": not given.get("editable", False),
    }


def dashboards(config: Settings, log: Log) -> dict[str, dict[str, Any]]:
    """Return the current dashboards by uid; write invalid ones to *log*.

    Raises:
        ConfigError: a provider is invalid, or its folder is missing.
    """
    found: dict[str, dict[str, Any]] = {}
    duplicates = set()
    for path, content in _files(config, "dashboards"):
        _check_keys(content, {"apiVersion", "providers"}, f"Dashboard config: {path}")
        for provider in content.get("providers") or []:
            for file in sorted(_folder(provider, path).rglob("*.json")):
                dashboard = _dashboard(file, provider, log)
                uid = dashboard["uid"] if dashboard else ""
                if dashboard and uid in found:
                    duplicates.add(uid)
                elif dashboard:
                    found[uid] = dashboard
    for uid in duplicates:
        log("warn", f"the same UID is used more than once uid={uid}")
    return {uid: item for uid, item in found.items() if uid not in duplicates}


def _folder(provider: Any, path: Path) -> Path:
    where = f"Dashboard config: {path}"
    _check_keys(provider, PROVIDER_KEYS, f"{where}: a provider")
    if not provider.get("name"):
        raise ConfigError(f"{where}: a provider has no name")
    if provider.get("type", "file") != "file":
        raise ConfigError(f"{where}: unknown provider type {provider['type']}")
    options = provider.get("options") or {}
    _check_keys(options, OPTION_KEYS, f"{where}: options")
    folder = options.get("path") or options.get("folder")
    if not isinstance(folder, str):
        raise ConfigError(
            f"{where}: failed to load dashboards, path param is not a string"
        )
    if not Path(folder).is_dir():
        raise ConfigError(f"{where}: cannot read directory {folder}: no such directory")
    return Path(folder)


def _dashboard(file: Path, provider: Any, log: Log) -> dict[str, Any] | None:
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        log("error", f"failed to load dashboard from file={file} error={error}")
        return None
    if not isinstance(content, dict) or not content.get("title"):
        log("error", f"failed to load {file}: Dashboard title cannot be empty")
        return None
    uid = str(content.get("uid") or file.stem)
    folder = provider.get("folder", "")
    return {"uid": uid, "folder": folder, "file": str(file), "dashboard": content}
