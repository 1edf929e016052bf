"""The exception tree. Each class carries the exit code its escape ends the program with.

ProvisionError                      1
  InputError (ValueError)           5   file, line, path, hint
    InventoryError
    PlaybookError
    RenderError
    OptionError
    SecretError
    InputErrors                         several of the above, shown together
  HostError                         2   host, play, step
    ConnectError                    4
      HostKeyError                      never retried
        UnknownHostKeyError             the key, to be accepted by a person
      AuthError                         never retried
      ProtocolError                     no SSH that we can speak; never retried
    ConnectionLost                  4   the only one retried after a connection was up
    PrivilegeError                      sudo refused
    ProbeError                          cannot tell
    RefusedError                        will not act on what was seen
    ApplyError                          a change failed
      StepTimeoutError
    VerifyError                         a difference remains
    InternalError                 1     a defect of ours, met while working on a host
  LockHeldError                     6   who, from where, since when
  LabError                          1   the virtual lab
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar


class ProvisionError(Exception):
    """The root; *message* says what and where, *hint* what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class InputError(ProvisionError, ValueError):
    """The user's input is wrong: `file:line: path: problem; hint`."""

    exit_code = 5

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        file: str = "",
        line: int = 0,
        path: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.file, self.line, self.path = file, line, path

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.path, super().__str__()) if part)

    def noting(self, note: str) -> InputError:
        """Return a copy with *note* behind what it says."""
        return type(self)(
            f"{self.message} {note}",
            hint=self.hint,
            file=self.file,
            line=self.line,
            path=self.path,
        )


class InventoryError(InputError):
    """The inventory cannot be used."""


class PlaybookError(InputError):
    """A playbook, or a step in it, cannot be used."""


class RenderError(InputError):
    """A template in a value cannot be rendered."""


class OptionError(InputError):
    """A command line option or an argument of a function cannot be used."""


class SecretError(InputError):
    """A secret cannot be had from where it should come from."""


class InputErrors(InputError):
    """All that is wrong with the input, gathered; `errors` has them one by one."""

    def __init__(self, errors: Sequence[InputError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))


def raise_all(errors: Iterable[InputError]) -> None:
    """Raise the only one of *errors*, or all of them as one; nothing if there is none."""
    found = list(errors)
    if found:
        raise found[0] if len(found) == 1 else InputErrors(found)


class HostError(ProvisionError):
    """Something went wrong on one host; `details` are lines to show below it.

    Errors that have the same words in `once` are one thing to do for a person, however
    many hosts they happen on.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        details: Sequence[str] = (),
        once: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.details = tuple(details)
        self.once = once


class ConnectError(HostError):
    """The host could not be connected to; *final*: trying again would not help."""

    exit_code = 4
    final = False


class HostKeyError(ConnectError):
    """The host's key is unknown or has changed."""

    final = True


class UnknownHostKeyError(HostKeyError):
    """Nothing says whose key this is.

    Attributes:
        name: the host as known_hosts files write it, `name` or `[name]:port`.
        key: the key it showed, `TYPE BASE64`.
        fingerprint: the key's, `SHA256:...`.
        file: the known_hosts file to add it to.
        jump: whether it is a jump host's.
    """

    def __init__(
        self,
        name: str,
        key: str,
        fingerprint: str,
        file: Path,
        *,
        jump: bool = False,
        hint: str = "",
    ) -> None:
        kind, whose = key.partition(" ")[0], f"the jump host {name}" if jump else name
        super().__init__(
            f"the host key of {whose} is unknown: {kind} {fingerprint}",
            hint=hint,
            once=f"unknown host key; {hint}",
        )
        self.jump = jump
        self.name, self.key = name, key
        self.fingerprint, self.file = fingerprint, file


class AuthError(ConnectError):
    """The host refused the user or the key."""

    final = True


class ProtocolError(ConnectError):
    """The host has no SSH server, or one that has no algorithm in common with us."""

    final = True


class ConnectionLost(HostError):
    """A connection that was up is gone; *silent*: nobody has closed it."""

    exit_code = 4
    silent = False


class PrivilegeError(HostError):
    """Root rights were asked for and refused."""


class ProbeError(HostError):
    """A probe cannot tell the state; never read as absent."""


class RefusedError(HostError):
    """A step will not act on what it saw; nothing was changed."""


class ApplyError(HostError):
    """A change ended with a non-zero exit code."""


class StepTimeoutError(ApplyError):
    """A change took longer than its limit and was killed on the host."""


class VerifyError(HostError):
    """A change ran, but a second look still shows a difference."""


class InternalError(HostError):
    """A defect of this program; `details` is where it is."""

    exit_code = 1


class LockHeldError(ProvisionError):
    """Another run is changing this cluster."""

    exit_code = 6


class LabError(ProvisionError):
    """The virtual lab on this machine cannot do what was asked."""
