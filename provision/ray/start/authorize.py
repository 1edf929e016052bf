"""The public key of a person on hosts that so far are entered with a password."""

from __future__ import annotations

from pathlib import Path

from provision.config.inventory import Inventory
from provision.engine.each_host import on_each
from provision.engine.run import FORKS
from provision.errors import HostError, OptionError
from provision.invocation import program
from provision.model.framing import Task, run_tasks
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.transport.protocol import Transport

ADD = read_shell(__file__, "authorize.sh")
KEYS = ("id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub")
"""The files of public keys, the best first; ssh tries their private keys by itself."""
LIMIT_S = 60.0


def own_public_key(home: Path) -> str:
    """Return the public key of the person whose home is *home*.

    Raises:
        OptionError: there is none, or it cannot be read.
    """
    for name in KEYS:
        file = home / ".ssh" / name
        try:
            if file.exists() and file.with_suffix("").exists():
                return file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError(f"{file} cannot be read: {error}") from error
    raise OptionError(
        f"there is no SSH key of yours in {home / '.ssh'} that could take the place of "
        "the password",
        hint=f"make one: ssh-keygen -t ed25519, then `{program()} init` again",
    )


def authorize(inventory: Inventory, key: str, *, forks: int = FORKS) -> None:
    """Let the owner of the public *key* log in on all hosts, as the users they have.

    A key that is there already is left as it is.

    Args:
        inventory: the hosts, with the passwords that let us in now.
        key: a line of authorized_keys.
        forks: the most hosts to work on at a time.

    Raises:
        HostError: it could not be added on a host.
        KeyboardInterrupt: it was interrupted.
    """
    task = Task(Sh.of(ADD, key=key), strict=True)
    hosts = list(inventory.hosts.values())
    results = on_each(
        hosts, lambda host, link: _add(host.name, link, task), forks=forks
    )
    results.all_values()


def _add(name: str, link: Transport, task: Task) -> None:
    [reply] = run_tasks(link.run, [task], become=False, limit_s=LIMIT_S)
    if reply.exit != 0:
        raise HostError(
            f"{name}: the key could not be added to ~/.ssh/authorized_keys",
            hint="see that the home of the user there can be written to",
            details=reply.tail(),
        )
