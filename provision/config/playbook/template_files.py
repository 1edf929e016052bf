"""Files beside a playbook in its values: `template('x')`, `file('x')` and `files_in('x')`.

    - file:
        path: /etc/prometheus/prometheus.yml
        content: "{{ template('prometheus.yml.j2') }}"

They look in the folder `templates` beside the playbook that names it. A template is
rendered by Jinja2 with the variables of the play and host, and may hold secrets: then
all of it is one. A file is taken as it is, braces and all; one that ansible-vault
encrypted is decrypted, and a secret. `files_in` is a mapping of the paths in a folder to
their texts as they are; by its full path it may be anywhere on this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import SecretStr

from provision.config.templating import Scope
from provision.config.yaml_source import did_you_mean
from provision.errors import RenderError
from provision.secrets.credentials import Credentials
from provision.secrets.vault import is_encrypted

FOLDER = "templates"
Text = Callable[[object], str | SecretStr | Mapping[str, str]]


def functions(
    scope: Scope, playbook: str, credentials: Credentials
) -> Mapping[str, Text]:
    """`template` and `file` for values that *scope* renders.

    Args:
        scope: has the variables.
        playbook: the file of the play; '' = it was made in Python, and the folder is
            looked for in the current one.
        credentials: decrypt what is encrypted.
    """
    folder = Path(playbook).parent / FOLDER
    busy: list[object] = []

    def template(name: object) -> str | SecretStr:
        if name in busy:
            raise RenderError(f"the template {name} takes itself")
        busy.append(name)
        try:
            return scope.render_file(_read(folder, name), f"{FOLDER}/{name}")
        finally:
            busy.pop()

    def file(name: object) -> str | SecretStr:
        text = _read(folder, name)
        return credentials.decrypt(text) if is_encrypted(text) else text

    def files_in(name: object) -> Mapping[str, str]:
        return _read_all(folder / Path(str(name)).expanduser())

    return {"template": template, "file": file, "files_in": files_in}


def _read_all(folder: Path) -> Mapping[str, str]:
    """Return the text of each file in *folder*, by its path there."""
    if not folder.is_dir():
        raise RenderError(
            f"there is no folder {folder}", hint="make it, or correct its path"
        )
    try:
        return {
            str(path.relative_to(folder)): path.read_text("utf-8")
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    except (OSError, UnicodeDecodeError) as error:
        raise RenderError(
            f"a file in {folder} cannot be read as text: {error}",
            hint="a folder in a playbook has text only; let the Dockerfile download the rest",
        ) from error


def _read(folder: Path, name: object) -> str:
    path = folder / str(name)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise RenderError(f"{name!r} does not lie in {folder}")
    try:
        return path.read_text("utf-8")
    except (FileNotFoundError, IsADirectoryError):
        there = [str(file.relative_to(folder)) for file in folder.rglob("*.*")]
        raise RenderError(
            f"there is no file {str(name)!r} in {folder}",
            hint=did_you_mean(str(name), there),
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RenderError(f"{path} cannot be read: {error}") from error
