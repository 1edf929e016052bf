"""`certificate(host)` in a playbook: what a host shows to the others, as PEM text.

- file: {path: /etc/node/node.crt, content: "{{ certificate(host).certificate }}"}
- file: {path: /etc/node/node.key, content: "{{ certificate(host).key }}", mode: "400"}
- file: {path: /etc/node/authority.crt, content: "{{ certificate(host).authority }}"}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from provision.secrets.store import CERTIFICATES, SecretMode, Secrets

if TYPE_CHECKING:
    from provision.secrets.certificates import Certificate, Certificates
    from provision.secrets.signing import Addressed


def certifier(
    secrets: Secrets, cluster: str, warnings: list[str]
) -> Callable[[Addressed], Certificate]:
    """The function for templates; *warnings* gets what was made anew."""
    stores: list[Certificates] = []
    keep = secrets.mode is SecretMode.GENERATE

    def certificate(host: Addressed) -> Certificate:
        # What makes certificates takes longer to import than a converged run takes.
        from provision.secrets.certificates import Certificate, Certificates

        if not stores:
            folder = secrets.folder / CERTIFICATES
            stores.append(Certificates(folder, cluster, keep=keep))
        store = stores[0]
        if store.new and not keep:
            absent = secrets.note_missing(CERTIFICATES)
            text = absent.get_secret_value()
            return Certificate(text, text, absent)
        found = store.of(host)
        if store.made and not keep:
            secrets.note_missing(CERTIFICATES)
        secrets.add(found.key.get_secret_value().splitlines()[1:-1], store.added)
        store.added.clear()
        warnings.extend(store.told)
        store.told.clear()
        return found

    return certificate
