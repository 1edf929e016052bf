"""init: hosts that a person names become an inventory."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from provision.cli.command import INTERRUPTED, command_of
from provision.cli.options import CommandOptions, chosen_credentials, option, words
from provision.cli.request import short_path
from provision.cli.trust import accepted, key_list
from provision.errors import AuthError, OptionError

if TYPE_CHECKING:
    from provision.config.inventory import Host, Inventory
    from provision.ray.start.hosts import NewHost
    from provision.ray.start.proposal import Proposal

DEFAULT = "cluster.yml"
NO_TERMINAL = "there is no terminal to prompt on"


@dataclass(frozen=True)
class InitOptions(CommandOptions):
    """The options of init."""

    add: tuple[str, ...] = option(
        (), "a host, user@address or user@address:port; repeatable, or a,b,c"
    )
    head: str = option("", "name of the host that is to be the head")
    ask_pass: bool = option(
        default=False,
        text="prompt for the password of SSH, once for all hosts; your key takes its place",
    )


OPTIONS = (
    "add",
    "inventory",
    "head",
    "fingerprint",
    "yes",
    "ask_pass",
    "ask_become_pass",
)


@command_of(InitOptions, *OPTIONS)
def init(options: InitOptions) -> int:
    """Look at hosts and write an inventory of them.

    It asks before it accepts host keys and before it writes; with --yes it does not.
    Where hosts take only a password it asks for that, and adds your public key there.

    Example: init --add admin@10.0.0.1,admin@10.0.0.2 --inventory rack.yml
    """
    from provision.ray.start.hosts import read_hosts
    from provision.ray.start.inventory_text import refuse_existing

    path = Path(options.inventory[0] if options.inventory else DEFAULT)
    if path.suffix not in {".yml", ".yaml"}:
        path = path.with_name(f"{path.name}.yml")
    refuse_existing(path)
    hosts = read_hosts(_given(options))
    with tempfile.TemporaryDirectory() as folder:
        return _write(options, path, hosts, Path(folder) / "known_hosts")


def _write(
    options: InitOptions, path: Path, hosts: Sequence[NewHost], new_keys: Path
) -> int:
    """Look, ask, and write the keys and the inventory: nothing before the last answer."""
    from provision import api
    from provision.report.console import output
    from provision.report.text import counted

    console = output()
    known = path.parent / "known_hosts"
    files = [new_keys, known.absolute()]
    inventory = api.connecting(hosts, files)
    if not _trust(options, list(inventory.hosts.values()), known):
        console.show("nothing was written")
        return INTERRUPTED
    credentials = chosen_credentials(options)

    def look(password: str) -> tuple[Proposal, Inventory]:
        made = api.connecting(hosts, files, password).with_credentials(credentials)
        with console.status(f"looking at {counted(len(hosts), 'host')}"):
            return api.propose(path.stem, made, hosts, {}), made

    proposal, inventory, key = _looked(options, look)
    if options.head:
        proposal = proposal.with_head(options.head)
    console.show(*_table(proposal))
    if key:
        console.show(_about_key(key), "")
    chosen = _agreed(options, proposal, path)
    if chosen is None:
        console.show("nothing was written")
        return INTERRUPTED
    if key:
        api.authorize(inventory, key)
    api.write_inventory(path, chosen)
    keys = new_keys.read_text("utf-8") if new_keys.exists() else ""
    _keep(known, keys)
    console.show(f"written: {short_path(path.absolute())}", "")
    return _doctor(options, path)


def _looked(
    options: InitOptions, look: Callable[[str], tuple[Proposal, Inventory]]
) -> tuple[Proposal, Inventory, str]:
    """Look, with a password if need be; return also the key that takes its place.

    Raises:
        OptionError: there is no terminal, no password, or no key.
        HostError: a host cannot be asked.
    """
    from provision.ray.start.authorize import own_public_key

    if not options.ask_pass:
        try:
            return (*look(""), "")
        except AuthError:
            if options.yes or not _terminal():
                raise
    key = own_public_key(Path.home())
    return (*look(_password(options)), key)


def _password(options: InitOptions) -> str:
    typed = options.credentials.ask("password for SSH: ")
    if typed is None:
        raise OptionError(f"nothing was written: --ask-pass: {NO_TERMINAL}")
    if not typed:
        raise OptionError("nothing was written: no password was typed")
    return typed


def _about_key(key: str) -> str:
    from provision.report.text import escape

    name = escape(key.rsplit(maxsplit=1)[-1])
    return (
        f"With yes your public key ({name}) is added to ~/.ssh/authorized_keys on each "
        "host; the password is kept nowhere."
    )


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _given(options: InitOptions) -> list[str]:
    """The hosts of the command line, else those that a person types.

    Raises:
        OptionError: there is no terminal.
    """
    found = [one for given in options.add for one in words(given)]
    if found:
        return found
    return (
        _ask("Hosts, such as admin@10.0.0.1 admin@10.0.0.2: ", "--add")
        .replace(",", " ")
        .split()
    )


def _ask(question: str, instead: str) -> str:
    if not _terminal():
        raise OptionError(f"nothing was written: {NO_TERMINAL}", hint=f"add {instead}")
    try:
        return input(question)
    except EOFError:
        return ""


def _trust(options: InitOptions, hosts: Sequence[Host], known: Path) -> bool:
    """Accept the hosts' keys, which are to be in *known*; return False if a person does not.

    Raises:
        ConnectError: a host cannot be reached, or shows another key than is known.
    """
    from provision import api
    from provision.report.console import output

    console = output()
    found = api.scan_host_keys(hosts, forks=api.FORKS)
    for error in found.errors.values():
        raise error
    if not found.unknown:
        return True
    console.show(*key_list([replace(key, file=known) for key in found.unknown]))
    if not accepted(found.unknown, options):
        return False
    api.accept_host_keys(found.unknown)
    return True


def _keep(known: Path, keys: str) -> None:
    """Add the accepted *keys* to the file beside the inventory."""
    if keys:
        from provision.atomic_file import replace as write

        old = known.read_text("utf-8") if known.exists() else ""
        gap = "\n" if old and not old.endswith("\n") else ""
        write(known, f"{old}{gap}{keys}".encode(), 0o644)


def _table(proposal: Proposal) -> Iterator[str]:
    from provision.ray.start.inventory_text import seen_words
    from provision.report.text import escape

    yield ""
    for host in proposal.hosts:
        role = "head  " if host.name == proposal.head else "worker"
        where = f" at {host.address}" if host.address else ""
        what = ", ".join(seen_words(host))
        yield f"  {role}  {escape(host.name)}{where} ({host.new}): {escape(what)}"
    yield ""


def _agreed(options: InitOptions, proposal: Proposal, path: Path) -> Proposal | None:
    """The proposal, perhaps with another head; None = a person does not want it."""
    if options.yes:
        return proposal
    question = f"Type yes to write {path}, or the name of another head: "
    answer = _ask(question, "--yes").strip()
    if answer.lower() in {"y", "yes"}:
        return proposal
    names = [host.name for host in proposal.hosts]
    return proposal.with_head(answer) if answer in names else None


def _doctor(options: InitOptions, path: Path) -> int:
    """Run doctor on the new inventory, which ends with the next command."""
    from provision.cli.start.doctor import DoctorOptions, examine

    given = DoctorOptions(
        inventory=(str(path),),
        ask_become_pass=options.ask_become_pass,
        credentials=replace(options.credentials),
    )
    return examine(given)
