"""Lists of algorithms as ssh_config writes them: `a,b`, `+a`, `-a*`, `^a`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from provision.config.ssh.patterns import list_matches


def chosen(text: str, usual: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """Return the algorithms that *text* means, in the order of preference.

    Args:
        text: the value of an option such as Ciphers.
        usual: what is used where nothing is said.
        known: all that can be used.
    """
    sign, names = (text[0], text[1:]) if text[:1] in ("+", "-", "^") else ("", text)
    if sign == "-":
        return tuple(name for name in usual if not list_matches(name, names))
    # Patterns are expanded by what is known, also where the list replaces the usual one.
    named = [
        name for word in names.split(",") for name in known if list_matches(name, word)
    ]
    if sign == "+":
        return tuple(dict.fromkeys([*usual, *named]))
    return tuple(dict.fromkeys([*named, *usual] if sign == "^" else named))
