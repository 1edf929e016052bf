"""exec: a command on many hosts, hosts with equal output together."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from provision.cli.command import command_of
from provision.cli.options import PASSWORDS, positive
from provision.cli.ray.on_hosts.options import HostOptions
from provision.cli.ray.on_hosts.remainder import remainder
from provision.cli.request import Request, resolve
from provision.errors import HostError, OptionError

if TYPE_CHECKING:
    from provision.engine.each_host import Results
    from provision.engine.on_hosts.command import Output

CHOICE = ("inventory", "limit", "forks", "container", "login_user", "timeout", "json")


@command_of(HostOptions, *CHOICE, *PASSWORDS)
def exec_(options: HostOptions) -> int:
    """Run a command on all hosts, after `--`; equal outputs are shown once.

    One word is a line for sh; several are a program and its arguments. Of one host the
    output is passed on as it is, byte by byte. The exit code is the command's own: of
    several hosts the one that is not 0, or 2 if they differ; 4 if a host was not reached.

        invoke exec -- uptime
        invoke exec --limit workers -- 'df -h /var/lib | tail -1'
        invoke exec --container -- python -c 'import ray; print(ray.__version__)'
        invoke exec --limit node1 -- cat /var/log/wtmp > wtmp
    """
    from provision import api
    from provision.engine.on_hosts.command import exit_code

    words, request = remainder(), resolve(options)
    limit_s = positive("--timeout", options.timeout) if options.timeout else 0
    names = _names(request)
    plain = len(names) == 1 and not options.json
    results = api.execute(
        request.inventory,
        *words,
        limit=options.limit,
        container=options.container,
        become=not options.login_user,
        limit_s=limit_s,
        stdout=passing(sys.stdout.buffer) if plain else None,
        stderr=passing(sys.stderr.buffer) if plain else None,
        forks=request.forks,
    )
    code = exit_code(results)
    if options.json:
        print_json(_document(results, code))
    else:
        _show(results, plain=plain, limit_s=limit_s)
    return code


def print_json(value: object, indent: int | None = 1) -> None:
    """Print *value* as JSON."""
    sys.stdout.write(f"{json.dumps(value, indent=indent)}\n")
    sys.stdout.flush()


def _names(request: Request) -> list[str]:
    from provision.ray.on_hosts.selection import chosen

    return [host.name for host in chosen(request.inventory, request.options.limit)]


def passing(stream: Any) -> Callable[[bytes], None]:
    """Return a sink that passes bytes on; a terminal gets no binary data."""

    def write(data: bytes) -> None:
        if stream.isatty() and b"\0" in data:
            raise OptionError(
                "the output is binary, and goes to a terminal",
                hint="send it to a file: exec --limit HOST -- ... > FILE",
            )
        stream.write(data)
        stream.flush()

    return write


def _show(results: Results[Output], *, plain: bool, limit_s: int) -> None:
    from provision.engine.on_hosts.command import groups
    from provision.report.console import output
    from provision.report.text import listed

    console, errors = output(), output(sys.stderr)
    if not plain:
        for found, hosts in groups(results.values).items():
            ended = f"  exit {found.exit}" if found.exit else ""
            many = f" ({len(hosts)})" if len(hosts) > 1 else ""
            console.print(f"{listed(hosts, 20)}{many}{ended}", style="bold")
            console.show(*_lines(found))
    late = [n for n, v in results.values.items() if limit_s and v.exit in (124, 137)]
    if late:
        errors.show(f"ended after {limit_s} s: {listed(late)}")
    show_errors(results)
    if results.unfinished:
        errors.show(f"interrupted; no end was seen on {listed([*results.unfinished])}")


def show_errors(results: Results[Any]) -> None:
    """Print the error of each host where something failed."""
    from provision.report.console import output
    from provision.report.text import clean_output

    errors = output(sys.stderr)
    for host, error in results.errors.items():
        shown = error.message
        start = "" if shown.startswith(f"{host}:") else f"{host}: "
        errors.print(
            clean_output(f"error: {start}{shown}"), style="red", soft_wrap=True
        )
        for line in error.details:
            errors.show(clean_output(f"  | {line}"))
        if error.hint:
            errors.show(clean_output(f"  to do: {error.hint}"))


def _lines(found: Output) -> list[str]:
    from provision.report.text import clean_output

    if not found.is_text:
        data = found.stdout + found.stderr
        digest = hashlib.sha256(data).hexdigest()
        return [f"  (binary, {len(data)} bytes, SHA-256 {digest[:16]}...)"]
    text = (found.stdout + found.stderr).decode()
    lines = [f"  {clean_output(line)}" for line in text.splitlines()]
    cut = [f"  ... and {found.dropped} bytes more"] if found.dropped else []
    return [*lines, *cut]


def _document(results: Results[Output], code: int) -> dict[str, Any]:
    hosts: dict[str, Any] = {
        host: {
            "exit": one.exit,
            **_data("stdout", one.stdout),
            **_data("stderr", one.stderr),
        }
        for host, one in results.values.items()
    }
    hosts |= {host: _error(error) for host, error in results.errors.items()}
    hosts |= {host: {"error": "interrupted"} for host in results.unfinished}
    return {"exit_code": code, "hosts": hosts}


def _error(error: HostError) -> dict[str, str]:
    return {"error": error.message, "to_do": error.hint}


def _data(name: str, data: bytes) -> dict[str, str]:
    """Return *data* as text, or in base64 if it is none."""
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(data).decode()}
