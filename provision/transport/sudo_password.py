"""A sudo password: tried on one host first, so that a wrong one locks no account.

Hosts that are given the same password often share an account service as well. A hundred
wrong tries at once would lock the user out everywhere; one does not.
"""

from __future__ import annotations

import threading

from pydantic import SecretStr

from provision.errors import PrivilegeError

WAIT_S = 30.0
"""Seconds that the other hosts wait for the one that tries first."""


class Password:
    """One password during one run; from any thread.

    Args:
        secret: the password.
    """

    def __init__(self, secret: SecretStr) -> None:
        self._secret = secret
        self._condition = threading.Condition()
        self._trier = ""
        self._accepted = False
        self._refused_by = ""

    def for_host(self, who: str) -> bytes:
        """Return the line for sudo; wait while another host tries the password.

        Raises:
            PrivilegeError: sudo of another host refused it.
        """
        with self._condition:
            self._condition.wait_for(lambda: not self._trier, WAIT_S)
            if self._refused_by:
                raise _not_tried(self._refused_by)
            if not self._accepted:
                self._trier = who
        return self._secret.get_secret_value().encode() + b"\n"

    def accepted(self) -> None:
        """Record that sudo accepted it: all hosts may use it at once."""
        with self._condition:
            self._accepted, self._trier = True, ""
            self._condition.notify_all()

    def refused(self, who: str) -> None:
        """Record that sudo of *who* refused it: no other host tries it."""
        with self._condition:
            self._refused_by = self._refused_by or who
            self._trier = ""
            self._condition.notify_all()

    def finish(self, who: str) -> None:
        """End the attempt of *who*, whatever its result: the next host may try."""
        with self._condition:
            if self._trier == who:
                self._trier = ""
                self._condition.notify_all()


class Passwords:
    """The passwords of a run, one `Password` for each that differs."""

    def __init__(self) -> None:
        self._known: dict[str, Password] = {}

    def of(self, secret: SecretStr | None) -> Password | None:
        """Return the one for *secret*, shared by all hosts that have the same."""
        if secret is None:
            return None
        return self._known.setdefault(secret.get_secret_value(), Password(secret))


def _not_tried(refused_by: str) -> PrivilegeError:
    problem = f"the sudo password was not tried here: {refused_by} refused it"
    return PrivilegeError(
        problem,
        hint="correct it; give a host with another one its ansible_become_password",
        once=problem,
    )
