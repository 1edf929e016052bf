"""The name of Ray's session, which a head has in its tables and in a file beside them.

Ray reads the file before it can read the tables. A file that a power cut has left empty
makes it write a new name there, find the old one in the tables, and end; so does every
start after that, until the file has the name of the tables again.

Source: Ray 2.60.0, _private/node.py: `check_persisted_session_name` and
`_write_cluster_info_to_kv`.
"""

from __future__ import annotations

from collections.abc import Sequence

from provision.model.change import Change, State
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.steps.docker.container.container import DockerContainer

RESTORE = read_shell(__file__, "restore_session.sh")

SESSION = "session_name"
"""The field with the name in the file, and prefix of the one with that of the tables."""
OF_TABLES = f"{SESSION}.of_tables"
MISMATCH = "does not match persisted value"
"""Words of Ray, where the two differ."""
DEPLOY_AGAIN = (
    "the file gcs/session_name lost the name of Ray's session, as after a power cut: "
    "deploy again, which writes the name back that Ray's tables have"
)


def session_changes(observed: State) -> list[Change]:
    """Return the change that gives the file the name of the tables, if it is needed."""
    kept = observed.get(OF_TABLES)
    return [Change(SESSION, observed.get(SESSION) or None, kept)] if kept else []


def session_to_restore(changes: Sequence[Change]) -> str:
    """Return the name that *changes* write into the file; "" = none."""
    return next((c.after or "" for c in changes if c.field == SESSION), "")


def restore_session(container: DockerContainer, tables: str, session: str) -> Sh:
    """Return shell that writes *session* beside *tables*, and starts *container*."""
    return Sh.of(
        RESTORE,
        name=container.name,
        restart=container.restart,
        stop_s=container.stop_s,
        tables=tables,
        session=session,
    )
