"""A command in Ray's container or environment, which knows that Ray was stopped on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.config.inventory import Host, Inventory
from provision.engine.on_hosts.command import Command, Output, run_on
from provision.errors import ConnectionLost, HostError, InputError
from provision.model.script import Sink
from provision.ray.on_hosts.places import data_dir
from provision.ray.stopped.stopped import check_not_stopped
from provision.transport.protocol import Transport


@dataclass(frozen=True, slots=True)
class InRay:
    """A command as it is run on each host; output goes to the sinks, or is returned."""

    cluster: Inventory
    sets: Mapping[str, Any]
    command: Command
    stdout: Sink | None = None
    stderr: Sink | None = None

    def on(self, host: Host, link: Transport) -> Output:
        """Run the command on *host*.

        Raises:
            StoppedError: it is for Ray's container, which a person has stopped.
            HostError: there is no such container, or it does not run.
        """
        try:
            return run_on(host, link, self.command, self.stdout, self.stderr)
        except ConnectionLost:
            raise
        except HostError:
            if self.command.container and (folder := self._data_dir()):
                check_not_stopped(host, link, folder)
            raise

    def _data_dir(self) -> str:
        """Return Ray's folder; "" = no playbook can be bound, which says where it is."""
        try:
            return data_dir(self.cluster, self.sets)
        except InputError:
            return ""
