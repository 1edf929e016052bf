"""A run that kills itself with SIGKILL at an event: `python self_killing_run.py JSON`.

It prints each event as a line of JSON, which shows how far the run came.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from dataclasses import asdict, dataclass

from provision import api
from provision.errors import ProvisionError
from provision.model.events import Event


@dataclass(slots=True)
class KillPoint:
    """Kills this process *after_s* seconds after the *number*-th event called *event*.

    With a *kind* only events of such steps count; if there are none, the process is
    killed when *latest* steps have changed.
    """

    event: str = ""
    number: int = 1
    kind: str = ""
    after_s: float = 0.0
    latest: int = 0

    def __call__(self, event: Event) -> None:
        """Print the event, and kill this process if it is the one."""
        name = type(event).__name__
        line = {
            key: value if isinstance(value, str | int | float) else str(value)
            for key, value in asdict(event).items()
        }
        print(json.dumps({"event": name, **line}), flush=True)
        if name == "StepChanged":
            self.latest -= 1
            if self.latest == 0:
                _kill()
        kind = getattr(event, "kind", "")
        if name != self.event or (self.kind and kind != self.kind):
            return
        self.number -= 1
        if self.number == 0:
            self._kill_later()

    def _kill_later(self) -> None:
        if self.after_s:
            timer = threading.Timer(self.after_s, _kill)
            timer.daemon = True
            timer.start()
        else:
            _kill()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """Run the playbook that the argument names; return the exit code."""
    given = json.loads(sys.argv[1])
    kill_point = KillPoint(**given.pop("kill_point", {}))
    try:
        run = api.apply(
            given.pop("inventory"),
            given.pop("playbook"),
            reporters=[kill_point],
            **given,
        )
    except ProvisionError as error:
        print(error, flush=True)
        return error.exit_code
    print(f"ended with {run.exit_code}: {run.errors}", flush=True)
    return run.exit_code


if __name__ == "__main__":
    sys.exit(main())
