"""Ray's own Grafana dashboards, taken from the Ray that runs."""

from __future__ import annotations

from collections.abc import Sequence

from provision.fields import AbsPath
from provision.shell import Sh
from provision.step import Change, State, Step

# Ray writes them anew at each start of a head, into the folder of that session.
FIND = r"""
from=$data_dir/ray/session_latest/metrics/grafana/dashboards
digest() (
    cd -- "$1" 2>/dev/null || exit 0
    set -- *.json
    [ -e "$1" ] || exit 0
    sha256sum -- "$@" | sha256sum | cut -c -16
)
"""
LOOK = (
    FIND
    + r"""
has=$(digest "$folder")
[ -n "$has" ] || exit 0
rays=$(digest "$from")
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
    now=$(digest "$from")
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
install -m 644 -- "$from"/*.json "$new"
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
        ApplyError: Ray has not written any, or `folder` cannot be made.

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
        return Sh.of(LOOK, data_dir=self.data_dir, folder=self.folder)

    def desired(self) -> State:
        return {"dashboards": "current"}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(COPY, data_dir=self.data_dir, folder=self.folder)

    def advice(self, problem: str) -> str:
        if "has written no dashboards" in problem:
            return (
                "see that Ray's dashboard runs: `docker logs` of the head's container"
            )
        return ""
