"""`certificate(host)` in a playbook: what a host shows to the others, as PEM text.

- file: {path: /etc/node/node.crt, content: "{{ certificate(host).certificate }}"}
- file: {path: /etc/node/node.key, content: "{{ certificate(host).key }}", mode: "400"}
- file: {path: /etc/node/authority.crt, content: "{{ certificate(host).authority }}"}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import SecretStr

from provision.secrets.store import CERTIFICATES, Secrets, placeholder

if TYPE_CHECKING:
    from provision.secrets.certificates import Certificate, Certificates
    from provision.secrets.signing import Addressed


def certifier(
    secrets: Secrets, cluster: str, warnings: list[str]
) -> Callable[[Addressed], Certificate]:
    """The function for templates; *warnings* gets what was made anew."""
    stores: list[Certificates] = []

    def certificate(host: Addressed) -> Certificate:
        # What makes certificates takes longer to import than a converged run takes.
        from provision.secrets.certificates import Certificate, Certificates

        if not stores:
            folder = secrets.folder / CERTIFICATES
            stores.append(Certificates(folder, cluster, keep=secrets.generate))
        store = stores[0]
        if store.new and not secrets.generate:
            secrets.missing.add(CERTIFICATES)
            text = placeholder(CERTIFICATES)
            return Certificate(text, text, SecretStr(text))
        found = store.of(host)
        if store.made and not secrets.generate:
            secrets.missing.add(CERTIFICATES)
        secrets.made.extend(store.added)
        store.added.clear()
        secrets.hide(found.key.get_secret_value().splitlines()[1:-1])
        warnings.extend(store.told)
        store.told.clear()
        return found

    return certificate
