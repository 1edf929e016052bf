"""notebook: JupyterLab of the cluster's Python, in the browser of this machine."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

from provision.cli.command import command_of
from provision.cli.options import PASSWORDS, CommandOptions, option, positive
from provision.cli.request import resolve

MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class NotebookOptions(CommandOptions):
    """The options of notebook."""

    port: str = option("", "port on this machine (default: a free one)")
    wheels: str = option(
        "", "folder here with JupyterLab's wheels, for an image without it"
    )
    index: str = option("", "URL of an index for pip, which the head reaches; the same")
    idle: str = option("", "minutes without use after which it ends (default: 60)")
    json: bool = option(default=False, text="print the link as JSON")


@command_of(
    NotebookOptions,
    *("port", "wheels", "index", "idle", "json"),
    *("inventory", "set", *PASSWORDS),
)
def notebook(options: NotebookOptions) -> int:
    """Run JupyterLab in the head's container, at 127.0.0.1 here; Ctrl-C ends it.

    Through SSH, with a token of its own in the link. It ends by itself when nobody uses it.
    `ray.init()` in a notebook connects to the cluster.

        invoke notebook
        invoke notebook --wheels wheels/ --idle 20
    """
    from provision import api
    from provision.ray.notebook.notebook import IDLE_S
    from provision.report.console import output

    port = positive("--port", options.port) if options.port else 0
    minutes = positive("--idle", options.idle) if options.idle else IDLE_S // MINUTE_S
    request = resolve(options, quiet=options.json)
    errors = output(sys.stderr)
    try:
        with api.open_notebook(
            request.inventory,
            port=port,
            wheels=options.wheels,
            index=options.index,
            idle_s=minutes * MINUTE_S,
            note=errors.show,
            **request.cluster_options(),
        ) as found:
            if options.json:
                sys.stdout.write(f"{json.dumps({'link': found.link})}\n")
                sys.stdout.flush()
            else:
                output().show(f"open {found.link}", "", "Ctrl-C ends it")
            found.wait()
            errors.show(f"JupyterLab has ended: nobody used it for {minutes} minutes")
    except KeyboardInterrupt:
        # It is the way to end this command.
        return 0
    return 0
