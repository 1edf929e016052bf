"""The command line of the stand-in: `grafana server`, `grafana cli`, `--version`."""

from __future__ import annotations

import os
import signal
import socket
import sys
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import FrameType

from provision.lab.grafana_stub import VERSION, VERSION_TEXT, ConfigError
from provision.lab.grafana_stub.ini import Settings
from provision.lab.grafana_stub.pages import PageHandler, Site
from provision.lab.grafana_stub.provisioning import dashboards, datasources
from provision.lab.grafana_stub.users import Users

VALUE_FLAGS = {"config", "homepath", "pidfile", "packaging", "configOverrides"}


def log(level: str, message: str) -> None:
    """Write a log line in Grafana's format, for the journal."""
    print(f'logger=stand-in level={level} msg="{message}"', flush=True)  # noqa: T201


def flags(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Split *words* into flags (`--name=value`, `--name value`) and other words."""
    found: dict[str, str] = {}
    rest = []
    left = iter(words)
    for word in left:
        name, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("-"):
            rest.append(word)
        elif name in VALUE_FLAGS:
            found[name] = value if equals else next(left, "")
        elif name in {"v", "version", "vv", "password-from-stdin"}:
            found[name] = "true"
        else:
            raise ConfigError(f"flag provided but not defined: -{name}")
    return found, rest


def settings(given: dict[str, str], overrides: list[str]) -> Settings:
    """Load the settings that the command line names."""
    home = Path(given.get("homepath") or Path.cwd())
    return Settings.load(home, given.get("config", ""), overrides, os.environ)


def serve(given: dict[str, str], overrides: list[str]) -> None:
    """Serve until a signal arrives.

    Raises:
        ConfigError: Grafana would not start with these files.
    """
    config = settings(given, overrides)
    users = Users.open(config)
    site = Site(config, users, datasources(config), log)
    dashboards(config, log)
    address = (config.get("server", "http_addr"), config.port())
    if config.get("server", "protocol") != "http":
        raise ConfigError("this stand-in supports only http")
    handler = type("Handler", (PageHandler,), {"site": site})
    try:
        server = _server_class(address[0])(address, handler)
    except OSError as error:
        where = f"{address[0] or '0.0.0.0'}:{address[1]}"  # noqa: S104
        raise ConfigError(
            f"failed to open listener on address {where}: listen tcp {where}: "
            f"bind: {(error.strerror or str(error)).lower()}"
        ) from error
    if given.get("pidfile"):
        Path(given["pidfile"]).write_text(str(os.getpid()))
    signal.signal(signal.SIGTERM, _stop)
    log("info", f"HTTP Server Listen address={address[0]}:{address[1]} protocol=http")
    notify("READY=1")
    with server:
        server.serve_forever()


class _Ipv6Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6


def _server_class(host: str) -> type[ThreadingHTTPServer]:
    return _Ipv6Server if ":" in host else ThreadingHTTPServer


def _stop(_number: int, _frame: FrameType | None) -> None:
    log("info", "Shutdown started reason=System signal: terminated")
    raise SystemExit(0)


def notify(state: str) -> None:
    """Report *state* to systemd, as Grafana does: its unit has Type=notify."""
    if path := os.environ.get("NOTIFY_SOCKET"):
        address = f"\0{path[1:]}" if path.startswith("@") else path
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.sendto(state.encode(), address)


def cli(given: dict[str, str], words: list[str]) -> None:
    """Run `grafana cli admin reset-admin-password [--password-from-stdin | PASSWORD]`."""
    if words[:2] != ["admin", "reset-admin-password"]:
        raise ConfigError(f"this stand-in has no command {' '.join(words)}")
    stdin = "password-from-stdin" in given
    password = sys.stdin.readline().rstrip("\n") if stdin else "".join(words[2:3])
    if len(password) < 4:
        raise ConfigError("password too short")
    Users.open(settings(given, [])).reset(password)
    print("Admin password changed successfully ✔")  # noqa: T201


def run(given: dict[str, str], rest: list[str]) -> None:
    """Run the command in *rest* with the flags *given*."""
    command, *more = rest or [""]
    if {"v", "version", "vv"} & given.keys():
        print(VERSION_TEXT)  # noqa: T201
    elif command == "server":
        log("warn", f"STAND-IN for Grafana {VERSION}: it draws no graphs")
        serve(given, more)
    elif command == "cli":
        cli(given, more)
    else:
        raise ConfigError(f"no such command: {command or '(none)'}")


def main(words: list[str]) -> int:
    """Run the command line *words*; return the exit code."""
    try:
        run(*flags(words))
    except ConfigError as error:
        log("error", f"Failed to start: {error}")
        print(f"Error: ✗ {error}", file=sys.stderr, flush=True)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
