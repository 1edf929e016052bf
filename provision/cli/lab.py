"""lab.*: virtual bare-metal hosts on this machine."""

from __future__ import annotations

from collections.abc import Iterable

from provision.cli.command import command
from provision.cli.options import CommandOptions, positive, words

HOSTS = 3


@command("hosts")
def up(given: CommandOptions) -> int:
    """Bring up a lab, or repair one (--hosts N, default 3)."""
    from provision import lab
    from provision.report.console import output

    hosts = positive("--hosts", given.hosts) if given.hosts else HOSTS
    lab.up(hosts, say=output().tell)
    return 0


@command()
def down(given: CommandOptions) -> int:
    """Remove the lab: hosts, networks, images and caches."""
    from provision import lab

    lab.down()
    return _say(["the lab is gone"])


@command()
def status(given: CommandOptions) -> int:
    """Show what of the lab runs."""
    from provision import lab

    found = lab.status()
    return _say(
        f"{host.name:8}  {host.state:8}  {host.address:15}  "
        f"127.0.0.1:{host.port}  ssh {'answers' if host.ssh else 'does not answer'}"
        for host in found
    )


@command("hosts")
def reset(given: CommandOptions) -> int:
    """Make hosts bare again (--hosts a,b, default all)."""
    from provision import lab

    lab.reset(words(given.hosts))
    return _say([f"bare again: {given.hosts or 'all hosts'}"])


@command(positional="host")
def reboot(given: CommandOptions) -> int:
    """Reboot a host, as if its power had failed."""
    from provision import lab

    lab.reboot(given.host)
    return _say([f"{given.host} was rebooted"])


@command(positional="host")
def off(given: CommandOptions) -> int:
    """Take a host's power away; lab.on gives it back."""
    from provision import lab

    lab.power_off([given.host])
    return _say([f"{given.host} is off: lab.on {given.host} starts it"])


@command(positional="host")
def on(given: CommandOptions) -> int:
    """Give a host that is off its power back."""
    from provision import lab

    lab.power_on([given.host])
    return _say([f"{given.host} runs"])


@command(positional="host")
def cut(given: CommandOptions) -> int:
    """Cut a host off the network; lab.mend puts it back."""
    from provision import lab

    lab.cut(given.host)
    return _say([f"{given.host} is cut off: lab.mend {given.host} puts it back"])


@command(positional="host")
def mend(given: CommandOptions) -> int:
    """Put a host that was cut off back on the network."""
    from provision import lab

    lab.mend(given.host)
    return _say([f"{given.host} is back on the network"])


def _say(lines: Iterable[str]) -> int:
    from provision.report.console import output

    output().tell(*lines)
    return 0
