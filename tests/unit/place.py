"""A folder to run the command line in: an inventory of this machine, tiny playbooks."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

from provision import cli

MAIN = "from provision.cli import main; main()"
INVENTORY = """
all:
  vars: {cluster: CLUSTER, ansible_connection: local, ansible_become: false}
  hosts: {one: {}, two: {}}
"""
NOTES = """
- play: notes
  hosts: all
  vars: {text: hello}
  steps:
    - directory:
        path: "FOLDER/{{ host.name }}"
        owner: "OWNER"
        group: "GROUP"
    - file:
        path: "FOLDER/{{ host.name }}/note"
        content: "{{ text }}"
        owner: "OWNER"
        group: "GROUP"
      tags: [note]
"""
REMOVED = """
- play: removed
  hosts: all
  tags: [cluster]
  steps: [{file_absent: {paths: ["FOLDER/{{ host.name }}"]}}]
- play: more
  hosts: all
  tags: [images, engine]
  steps: [{file_absent: {paths: ["FOLDER/more"]}}]
"""
HANGS = """
- play: hangs
  hosts: one
  steps: [{reachable: {host: 127.0.0.1, port: 1}}]
"""


@dataclass(frozen=True)
class Place:
    """A folder with an inventory of this machine, twice, and a tiny playbook."""

    folder: Path

    def __call__(self, *words: str) -> tuple[int, str]:
        """Exit code and output of `provision WORDS`, with no terminal."""
        screen = io.StringIO()
        with (
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(screen),
            contextlib.redirect_stderr(screen),
        ):
            try:
                cli.main(["provision", *words])
            except SystemExit as ended:
                return int(ended.code or 0), screen.getvalue()
        return 0, screen.getvalue()

    def note(self, host: str) -> Path:
        return self.folder / "out" / host / "note"


def place(tmp_path: Path) -> Place:
    """A new one in *tmp_path*."""
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "out").mkdir()
    # Its lock is this machine's: tests that run at once need one each.
    inventory = INVENTORY.replace("CLUSTER", f"test-{os.getpid()}")
    (tmp_path / "inv.yml").write_text(inventory)
    for name, book in (("notes", NOTES), ("teardown", REMOVED), ("hangs", HANGS)):
        text = book.replace("FOLDER", str(tmp_path / "out"))
        text = text.replace("OWNER", str(os.geteuid()))
        text = text.replace("GROUP", str(os.getegid()))
        (tmp_path / "playbooks" / f"{name}.yml").write_text(text)
    return Place(tmp_path)


WHERE = ("--inventory", "inv.yml", "--playbook", "notes")
