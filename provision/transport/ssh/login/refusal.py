"""The error to show when a login was refused."""

from __future__ import annotations

import re
from collections.abc import Sequence

from provision.errors import AuthError
from provision.transport.ssh.login.login import INTERACTIVE, KEY, PASSWORD, Login
from provision.transport.ssh.login.private_key import ENCRYPTED
from provision.transport.ssh.login.signatures import SHA1_WANTED

NAMES = {KEY: "a key", INTERACTIVE: "answers to prompts", PASSWORD: "a password"}
"""Methods of logging in, as one that sshd wants."""
ACCOUNT = re.compile(r"(?i)\baccount\b.*\b(expired|locked|disabled|inactive)\b")
"""A line that sshd sends when the account is the reason."""
SHOWN_PROMPT = (
    "sshd asks what a person has to type: the password is not sent to a prompt that "
    "shows what is typed; let this user in by a key and the password alone"
)
TOO_MANY = "Too many authentication failures"
ONE_KEY = (
    "name its key by ansible_ssh_private_key_file and set IdentitiesOnly yes for it in "
    "~/.ssh/config, so that no other key is tried, or raise MaxAuthTries in its sshd_config"
)


def refusal(
    who: str, login: Login, farewell: str, *, hangup: bool, said: Sequence[str]
) -> AuthError:
    """Return the error for the *login* that failed.

    Args:
        who: the user and host.
        login: the login.
        farewell: sshd's words when it ended the connection.
        hangup: sshd ended it.
        said: what sshd said, for the details.
    """
    problem, hint = _problem(login, farewell, hangup=hangup)
    return AuthError(
        f"{who}: login refused{problem}",
        hint=hint,
        details=[*_attempts(login), *said],
    )


def _attempts(login: Login) -> list[str]:
    attempts = login.attempts
    return [
        *(f"accepted {one}" for one in attempts.taken),
        *(f"tried {one}" for one in attempts.tried),
        *(f"not tried: {path} {why}" for path, why in login.identities.unusable),
        *(f"not tried: {key}: {why}" for key, why in attempts.unsigned.items()),
        *(f"sshd asked: {text}" for text in attempts.prompts),
    ]


def _problem(login: Login, farewell: str, *, hangup: bool) -> tuple[str, str]:
    """Return what to add to "login refused", and what to do."""
    attempts = login.attempts
    if attempts.new_password:
        return (
            ": the password has expired, and sshd wants a new one",
            f"log in there once as {login.user}, by ssh, and change it",
        )
    if hangup and TOO_MANY in farewell:
        return _too_many(login)
    account = (
        f"the account may be expired or locked there: chage -l {login.user}, and "
        "sshd's log"
    )
    if hangup:
        return f": sshd ended the connection after {attempts.judging}", account
    if any(map(ACCOUNT.search, login.said)):
        return "", account
    if attempts.taken:
        return _more_wanted(login)
    return "", _advice(login)


def _too_many(login: Login) -> tuple[str, str]:
    attempts = login.attempts
    keys, total = attempts.keys, attempts.keys + attempts.more_keys
    if total < 2:
        return ": sshd ended the connection", _advice(login)
    return f": sshd hung up after {keys} of {total} keys (MaxAuthTries)", ONE_KEY


def _more_wanted(login: Login) -> tuple[str, str]:
    """Name what sshd wants after a first factor."""
    wanted = login.attempts.wanted
    more = " or ".join(NAMES.get(method, method) for method in wanted)
    factors = len(login.attempts.taken)
    accepted = "the first factor" if factors == 1 else f"{factors} factors"
    problem = f": sshd accepted {accepted} and wants {more} as well"
    if not {INTERACTIVE, PASSWORD} & set(wanted):
        return problem, "see AuthenticationMethods in its sshd_config"
    if not login.has_password:
        return problem, _password_advice(login)
    if login.attempts.prompts:
        return problem, SHOWN_PROMPT
    return problem, "correct ansible_password"


def _advice(login: Login) -> str:
    attempts, wanted = login.attempts, login.attempts.wanted
    for path, reason in login.identities.unusable:
        if reason == ENCRYPTED:
            return f"the key is encrypted and not in the agent: ssh-add {path}"
    if attempts.prompts:
        return SHOWN_PROMPT
    if wanted and KEY not in wanted and not login.has_password:
        more = " or ".join(NAMES.get(method, method) for method in wanted)
        return f"sshd takes no keys there, but {more}: {_password_advice(login)}"
    if not attempts.tried:
        return _advice_without_any(login)
    return (
        "add the public key to the user's authorized_keys there, or correct "
        "ansible_user or ansible_ssh_private_key_file"
    )


def _password_advice(login: Login) -> str:
    if login.by_keys_alone:
        return "let this user in by a key alone; ansible_password is not for jump hosts"
    return "set ansible_password"


def _advice_without_any(login: Login) -> str:
    """Return what to do where there was nothing to try."""
    for path, reason in login.identities.unusable:
        return f"{path} {reason}"
    reasons = {*login.attempts.unsigned.values()}
    if SHA1_WANTED in reasons:
        return (
            "allow rsa-sha2-512 in PubkeyAcceptedAlgorithms of its sshd_config, or use an "
            "Ed25519 key"
        )
    if reasons:
        return (
            "PubkeyAcceptedAlgorithms of your ssh_config allows none of the keys there "
            "are: allow the type of one, or name a key of another type"
        )
    return "there is no key to try: set ansible_ssh_private_key_file, or use ssh-add"
