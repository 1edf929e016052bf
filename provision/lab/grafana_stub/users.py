"""The admin account, with the password of the first start.

As in Grafana, `admin_password` is used only when the database is created; afterwards
`grafana cli admin reset-admin-password` changes it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from pathlib import Path

from provision.lab.grafana_stub import ConfigError
from provision.lab.grafana_stub.ini import Settings


@dataclass
class Users:
    """Name of the admin and digest of the password, stored in *file*."""

    file: Path
    name: str = ""
    salt: str = ""
    digest: str = ""

    @classmethod
    def open(cls, config: Settings) -> Users:
        """Load the users in the data folder; create them from the settings if missing.

        Raises:
            ConfigError: the data folder cannot be written.
        """
        folder = config.path("data")
        users = cls(folder / "stand-in.db")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if users.file.exists():
                users.__dict__.update(json.loads(users.file.read_text()))
            else:
                users.name = config.get("security", "admin_user")
                users.reset(config.get("security", "admin_password"))
            if not os.access(folder, os.W_OK):
                raise PermissionError(13, "permission denied", str(folder))
        except (OSError, ValueError) as error:
            raise ConfigError(f"unable to open database file: {error}") from error
        return users

    def reset(self, password: str) -> None:
        """Set and store a new password."""
        self.salt = os.urandom(8).hex()
        self.digest = self._digest(password)
        data = {"name": self.name, "salt": self.salt, "digest": self.digest}
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps(data))
        part.chmod(0o640)
        part.rename(self.file)

    def accepts(self, authorization: str) -> bool:
        """Return True if the header *authorization* has the admin's name and password."""
        kind, _, code = authorization.partition(" ")
        if kind.lower() != "basic":
            return False
        # Another process may have changed the password.
        self.__dict__.update(json.loads(self.file.read_text()))
        try:
            name, _, password = base64.b64decode(code).decode().partition(":")
        except ValueError:
            return False
        return name == self.name and hmac.compare_digest(
            self._digest(password), self.digest
        )

    def _digest(self, password: str) -> str:
        return hashlib.sha256(f"{self.salt}{password}".encode()).hexdigest()
