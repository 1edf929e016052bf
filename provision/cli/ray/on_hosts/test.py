"""ray.test: a file of Ray's own tests, on the head."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from provision.cli.command import command_of
from provision.cli.options import PASSWORDS, CommandOptions, option, positive
from provision.cli.ray.on_hosts.exec import print_json
from provision.cli.ray.on_hosts.remainder import remainder
from provision.cli.request import resolve


@dataclass(frozen=True, slots=True)
class TestOptions(CommandOptions):
    """Options of the command."""

    __test__ = False  # no class of tests, for pytest

    file: str = option(
        "python/ray/tests/test_mini.py", "its path in the repository of the sources"
    )
    timeout: str = option("", "end it after so many seconds (default: 600)")
    json: bool = option(default=False, text="print the result as JSON")


@command_of(TestOptions, "file", "timeout", "json", "inventory", "set", *PASSWORDS)
def test(options: TestOptions) -> int:
    """Run a file of Ray's own tests on the head, with the Ray of the cluster's sources.

    It needs `ray_runtime: source`, and pytest in ray_packages. The tests start a Ray of
    their own, which ends with them. The exit code is pytest's: 0 passed, 1 failed; 124: it
    took too long. More arguments of pytest come after `--`.

        invoke ray.test
        invoke ray.test --file python/ray/tests/test_basic.py::test_put_get -- -x
    """
    from provision import api
    from provision.report.console import output
    from provision.report.text import clean_output, escape

    console, request = output(), resolve(options, quiet=options.json)
    result = api.run_ray_test(
        request.inventory,
        options.file,
        *remainder(),
        limit_s=positive("--timeout", options.timeout or "600"),
        sets=request.sets,
    )
    if options.json:
        print_json(result.as_dict())
        return result.exit
    for line in result.lines:
        sys.stdout.write(f"{clean_output(line)}\n")
    sys.stdout.flush()
    outcome = "passed" if result.passed else f"failed (exit code {result.exit})"
    sources = f", sources at {result.commit[:10]}" if result.commit else ""
    console.show(escape(f"{result.file} {outcome} on {result.host}{sources}"))
    if result.advice:
        console.show(escape(f"to do: {result.advice}"))
    return result.exit
