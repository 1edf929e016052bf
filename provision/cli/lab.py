"""lab.*: virtual bare-metal hosts on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from provision.cli.command import command, command_of
from provision.cli.options import CommandOptions, option, positive, words
from provision.invocation import program

HOSTS = 3


@dataclass(frozen=True, slots=True)
class UpOptions(CommandOptions):
    """Options of lab.up.

    Attributes:
        system: the operating system of the hosts.
        networks: how many networks each of them is in.
    """

    system: str = option("", "debian12 (the default) or debian13, for a new lab")
    networks: str = option(
        "",
        "1 (the default) or 2: the second has IPv6 as well; hosts that run join or leave it",
    )


@command_of(UpOptions, "hosts", "system", "networks")
def up(options: UpOptions) -> int:
    """Bring up a lab, or repair one (--hosts N, default 3)."""
    from provision import lab
    from provision.report.console import output

    hosts = positive("--hosts", options.hosts) if options.hosts else HOSTS
    networks = positive("--networks", options.networks) if options.networks else 0
    lab.up(hosts, progress=output().show, system=options.system, networks=networks)
    return 0


@command()
def down(options: CommandOptions) -> int:
    """Remove the lab: hosts, networks, images and caches."""
    from provision import lab

    lab.down()
    return _print(["the lab was removed"])


@command(read_only=True)
def status(options: CommandOptions) -> int:
    """Show the hosts of the lab, and which of them run."""
    from provision import lab

    found = lab.status()
    return _print(
        f"{host.name:8}  {host.state:8}  {host.address:15}  "
        f"127.0.0.1:{host.port}  ssh {'answers' if host.ssh else 'does not answer'}"
        for host in found
    )


@command("hosts")
def reset(options: CommandOptions) -> int:
    """Make hosts bare again (--hosts a,b, default all)."""
    from provision import lab

    lab.reset(words(options.hosts))
    return _print([f"bare again: {options.hosts or 'all hosts'}"])


@command(positional="host")
def reboot(options: CommandOptions) -> int:
    """Reboot a host, as if its power had failed."""
    from provision import lab

    lab.reboot(options.host)
    return _print([f"{options.host} was rebooted"])


@command(positional="host")
def off(options: CommandOptions) -> int:
    """Cut a host's power; lab.on turns it on again."""
    from provision import lab

    lab.power_off([options.host])
    return _print(
        [f"{options.host} is off: `{program()} lab.on {options.host}` starts it"]
    )


@command(positional="host")
def on(options: CommandOptions) -> int:
    """Turn a host on that lab.off turned off."""
    from provision import lab

    lab.power_on([options.host])
    return _print([f"{options.host} runs"])


@command(positional="host")
def cut(options: CommandOptions) -> int:
    """Cut a host off the network; lab.mend reconnects it."""
    from provision import lab

    lab.cut(options.host)
    return _print(
        [
            f"{options.host} is cut off: `{program()} lab.mend {options.host}` reconnects it"
        ]
    )


@command(positional="host")
def mend(options: CommandOptions) -> int:
    """Reconnect a host that was cut off the network."""
    from provision import lab

    lab.mend(options.host)
    return _print([f"{options.host} is back on the network"])


def _print(lines: Iterable[str]) -> int:
    from provision.report.console import output

    output().show(*lines)
    return 0
