"""Files beside a playbook as text in its values: `template('x')` and `file('x')`.

    - file:
        path: /etc/prometheus/prometheus.yml
        content: "{{ template('prometheus.yml.j2') }}"

Both look in the folder `templates` beside the playbook that names it. A template is
rendered by Jinja2 with the variables of the play and host, and may hold secrets: then
all of it is one. A file is taken as it is, braces and all; one that ansible-vault
encrypted is decrypted, and a secret.
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
Text = Callable[[object], str | SecretStr]


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

    return {"template": template, "file": file}


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
