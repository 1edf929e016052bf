"""A configuration of Ray Serve, as `serve build` writes it and the dashboard takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from provision.config.yaml_source import Source, load
from provision.errors import OptionError
from provision.secrets.credentials import Credentials

EXAMPLE = "applications: [{name: one, route_prefix: /, import_path: module:app}]"


def read_config(path: str, credentials: Credentials | None = None) -> dict[str, Any]:
    """Return the configuration in the YAML file *path*; encrypted values are decrypted.

    Ray checks the rest: only what it would not say clearly is looked at here.

    Raises:
        OptionError: it cannot be read, or has no applications.
        SecretError: a value cannot be decrypted.
    """
    source = load(Path(path), OptionError, credentials=credentials)
    data = source.data
    if not isinstance(data, dict) or "applications" not in data:
        raise source.error(OptionError, (), "there is no `applications`", EXAMPLE)
    applications = data["applications"]
    if not isinstance(applications, list):
        problem = "must be a list of applications"
        raise source.error(OptionError, ("applications",), problem, EXAMPLE)
    for number, one in enumerate(applications):
        _check(source, ("applications", number), one)
    return {key: _plain(value) for key, value in data.items()}


def _check(source: Source, where: tuple[str | int, ...], one: object) -> None:
    if not isinstance(one, dict):
        raise source.error(OptionError, where, "must be a mapping", EXAMPLE)
    if not isinstance(one.get("import_path"), str):
        problem = "has no `import_path`, such as module:app"
        raise source.error(OptionError, where, problem)


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value
