"""Getting all that a lab is made of; what is there already is used."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[[str], None]
INSTALL_S = 600
