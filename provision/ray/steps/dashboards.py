"""Ray's own Grafana dashboards, taken from the Ray that runs."""

from __future__ import annotations

from collections.abc import Sequence

from provision.model.change import Change, State
from provision.model.fields import AbsPath
from provision.model.shell import Sh
from provision.model.step import Step

# Ray writes them anew at each start of a head, into the folder of that session. What
# runs in the container can put links and pipes there: root must not follow them.
FIND = r"""
from=$data_dir/ray/session_latest/metrics/grafana/dashboards
enter() {
    cd -- "$data_dir/ray" 2>/dev/null || return 1
    ours=$(pwd -P)
    cd -- "$from" 2>/dev/null || return 1
    case $(pwd -P) in "$ours"/*) ;; *) return 1 ;; esac
}
digest() {
    set -- *.json
    [ -e "$1" ] || return 0
    timeout 3 sha256sum -- "$@" 2>/dev/null | sha256sum | cut -c -16
}
"""
PROBE = (
    FIND
    + r"""
has=$(cd -- "$folder" 2>/dev/null && digest) || has=
[ -n "$has" ] || exit 0
rays=$(enter && digest) || rays=
if [ "$has" = "${rays:-$has}" ]; then
    echo dashboards=current
else
    echo "dashboards=of another Ray"
fi
"""
)
COPY = (
    FIND
    + r"""
new=$folder.new
old=$folder.old
trap 'rm -rf -- "$new" "$old"' EXIT
# A Ray that starts writes one after the other: they are all there when none comes.
seen=
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    now=$(enter && digest) || now=
    [ -z "$now" ] || [ "$now" != "$seen" ] || break
    seen=$now
    sleep 1
done
if [ -z "$seen" ]; then
    printf 'Ray has written no dashboards into %s\n' "$from" >&2
    exit 1
fi
rm -rf -- "$new" "$old"
install -d -m 755 -- "$new"
(
    enter
    for file in *.json; do
        [ -f "./$file" ] && timeout 10 dd if="./$file" iflag=nofollow,nonblock \
            of="$new/$file" bs=64k count=256 2>/dev/null || {
            printf '%s/%s is not a plain file\n' "$from" "$file" >&2
            exit 1
        }
    done
)
chmod 644 -- "$new"/*.json
[ ! -e "$folder" ] || mv -T -- "$folder" "$old"
mv -T -- "$new" "$folder"
"""
)


class RayDashboards(Step, kind="ray_dashboards"):
    """The dashboards that this version of Ray brings, in a folder for Grafana.

    They are copied out of the running session, since Ray wipes them at each start, and
    compared by digest: another image brings others. While no session is there to
    compare with, those in the folder count as current.

    Example:
        ray_dashboards: {data_dir: /var/lib/provision/lab, folder: /srv/dashboards/ray}

    Raises:
        ApplyError: Ray has not written any, one is not a plain file, or `folder` cannot
            be made.

    Source: ray/dashboard/modules/metrics/metrics_head.py, Ray 2.60.0.
    """

    data_dir: AbsPath
    """As the step `ray_head` has it."""
    folder: AbsPath
    """Replaced as a whole: nothing else belongs in it."""

    @property
    def title(self) -> str:
        return "Ray's dashboards"

    def probe(self) -> Sh:
        return Sh.of(PROBE, data_dir=self.data_dir, folder=self.folder)

    def desired(self) -> State:
        return {"dashboards": "current"}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(COPY, data_dir=self.data_dir, folder=self.folder)

    def advice(self, problem: str) -> str:
        if "is not a plain file" in problem:
            return "something that runs in Ray has put it there: remove it"
        if "has written no dashboards" in problem:
            return (
                "see that Ray's dashboard runs: `docker logs` of the head's container"
            )
        return ""
