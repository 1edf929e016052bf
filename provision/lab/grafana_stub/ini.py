"""Grafana's settings: defaults, the ini file, the environment, the command line.

Source: grafana.com, "Configure Grafana"; pkg/setting/setting.go and expanders.go.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from provision.lab.grafana_stub import ConfigError

TOP = "DEFAULT"
"""Section of the settings that stand before the first section."""
EXPANDER = re.compile(r"\$__(file|env)\{([^}]+)\}")
REFERENCE = re.compile(r"%\(([a-z_]+)\)s")
Values = dict[str, dict[str, str]]


def parse(text: str, name: str) -> Values:
    """Return the sections of the ini *text*, each with its keys.

    Raises:
        ConfigError: *text* is not an ini file.
    """
    reader = configparser.RawConfigParser(
        default_section="\0", strict=False, inline_comment_prefixes=(" ;", " #")
    )
    reader.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        reader.read_string(f"[{TOP}]\n{text}", name)
    except configparser.Error as error:
        raise ConfigError(f'failed to parse "{name}": {error.message}') from error
    found: Values = {}
    for section in reader.sections():
        found[section] = {key: _unquoted(value) for key, value in reader.items(section)}
    return found


def _unquoted(value: str) -> str:
    """Return *value* without the quotes that go-ini removes."""
    for mark in ('"""', '"', "`", "'"):
        if len(value) >= 2 * len(mark) and value[: len(mark)] == mark:
            return value.removeprefix(mark).removesuffix(mark)
    return value


def expand(value: str, env: Mapping[str, str], where: str) -> str:
    """Return *value* with `$__file{...}` and `$__env{...}` replaced.

    Raises:
        ConfigError: a file cannot be read.
    """

    def one(match: re.Match[str]) -> str:
        kind, what = match.groups()
        if kind == "env":
            return env.get(what, "")
        try:
            return Path(what).read_text().strip()
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigError(
                f"got error while expanding {where} with expander file: "
                f"open {what}: {reason.lower()}"
            ) from error

    return EXPANDER.sub(one, value)


@dataclass(frozen=True)
class Settings:
    """All settings with their effective values."""

    home: Path
    env: Mapping[str, str]
    values: Values

    @classmethod
    def load(
        cls, home: Path, file: str, overrides: Sequence[str], env: Mapping[str, str]
    ) -> Settings:
        """Return the settings of the ini *file*, with *overrides* such as `cfg:a.b=c`.

        Raises:
            ConfigError: a file is missing or invalid.
        """
        defaults = home / "conf" / "defaults.ini"
        if not defaults.exists():
            raise ConfigError(
                "could not find config defaults, make sure homepath command line "
                "parameter is set or working directory is homepath"
            )
        values = parse(defaults.read_text(), str(defaults))
        _override(values, overrides, "cfg:default.")
        path = Path(file) if file else home / "conf" / "custom.ini"
        if file or path.exists():
            for section, keys in parse(_read(path), str(path)).items():
                values.setdefault(section, {}).update(keys)
        for section, keys in values.items():
            for key in keys:
                keys[key] = env.get(_name(section, key)) or keys[key]
        _override(values, overrides, "cfg:")
        for section, keys in values.items():
            for key, value in keys.items():
                keys[key] = expand(value, env, f"{section}.{key}")
        return cls(home, env, values)

    def get(self, section: str, key: str) -> str:
        """Return one setting; empty if it is not set."""
        value = self.values.get(section, {}).get(key, "")
        return REFERENCE.sub(lambda match: self.get(section, match[1]), value)

    def is_true(self, section: str, key: str) -> bool:
        return self.get(section, key).lower() in {"true", "1", "t", "yes", "on"}

    def port(self) -> int:
        value = self.get("server", "http_port")
        if not value.isdigit():
            raise ConfigError(f"server.http_port is not a number: {value}")
        return int(value)

    def path(self, name: str) -> Path:
        """Return a path of section `[paths]`; relative ones start at the home path."""
        return self.home / self.get("paths", name)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f'failed to parse "{path}": {error}') from error


def _name(section: str, key: str) -> str:
    """Return the environment variable that overrides a setting."""
    words = key if section == TOP else f"{section}_{key}"
    return "GF_" + re.sub(r"[.-]", "_", words).upper()


def _override(values: Values, given: Sequence[str], prefix: str) -> None:
    for word in given:
        name, equals, value = word.removeprefix(prefix).partition("=")
        section, dot, key = name.rpartition(".")
        matches = word.startswith(prefix) and equals and dot
        if matches and (prefix != "cfg:" or not section.startswith("default.")):
            values.setdefault(section, {})[key] = value
