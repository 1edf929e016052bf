"""The secrets that a cluster had and must not get back, as a list on its hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import AbsPath, Word
from provision.model.shell import Sh
from provision.model.step import Settled, Step, Thing, lines_of
from provision.steps.files.foresight import at, foresee_at, read_at

PROBE = r"""
[ -e "$path" ] || exit 0
while read -r digest; do printf '%s=retired\n' "$digest"; done <"$path"
"""
# The name is fixed, so that what a killed run left is replaced by the next one.
ADD = r"""
new=${path%/*}/.${path##*/}.new
trap 'rm -f -- "$new"' EXIT
rm -f -- "$new"
(
    umask 077
    set -C
    {
        [ ! -e "$path" ] || cat -- "$path"
        printf '%s\n' "$@"
    } >"$new"
)
mv -f -T -- "$new" "$path"
"""


class RetiredSecrets(Step, kind="retired_secrets"):
    """A host's list of secrets that were replaced, by their digests; it only grows.

    A step before the one that writes the secret: a machine that has missed a rotation
    is refused, where it would bring the old secret back.

    Example:
        retired_secrets:
          path: /etc/app/retired
          current: 0123456789abcdef # "{{ secret.digest('app') }}"
          retired: [fedcba9876543210] # "{{ secret.retired('app') }}"

    Raises:
        RefusedError: the current secret is on the host's list.
    """

    title_format = "retired secrets in {path}"

    path: AbsPath
    current: Word
    """The digest of the secret that this machine has."""
    retired: tuple[Word, ...] = ()
    """The digests of those that this machine has replaced."""

    def probe(self) -> Sh:
        return Sh.of(PROBE, path=self.path)

    def desired(self) -> State:
        return dict.fromkeys(self.retired, "retired")

    @property
    def thing(self) -> Thing:
        return at(self.path)

    def reads(self) -> list[Thing]:
        return read_at(self.path)

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        return {
            thing: {**s, "type": "file"} for thing, s in super().writes(changes).items()
        }

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State:
        return foresee_at(self.path, observed, written)

    def plan(self, observed: State) -> list[Change]:
        if self.current in observed:
            raise RefusedError(
                "this machine has a secret that another one has replaced since",
                hint="remove its file here, below .provision beside the inventory: the "
                "next deploy takes over what the cluster has. If you do want it back, "
                f"remove {self.path} on all hosts",
            )
        return super().plan(observed)

    def settled(self) -> Settled:
        return Settled(lines_of(self.desired()), never=(f"\n{self.current}=",))

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(ADD, *[change.field for change in changes], path=self.path)
