"""Ray's own Grafana dashboards, copied from the running Ray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provision.model.change import Change, State
from provision.model.fields import AbsPath
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step, Thing
from provision.ray.steps.node.start.ray_start import ray_session
from provision.steps.files.foresight import foresee_at, read_at

PROBE = read_shell(__file__, "probe.sh")
COPY = read_shell(__file__, "copy.sh")


class RayDashboards(Step, kind="ray_dashboards"):
    """The dashboards of this version of Ray, in a folder for Grafana.

    They are copied from the running session, since Ray writes them anew at each start,
    and compared by digest: another image has others. While there is no session to
    compare with, those in the folder count as current.

    Example:
        ray_dashboards: {data_dir: /var/lib/provision/lab, folder: /srv/dashboards/ray}

    Raises:
        ApplyError: Ray has not written any, one is not a plain file, or `folder` cannot
            be made.

    Source: ray/dashboard/modules/metrics/metrics_head.py, Ray 2.60.0.
    """

    title_format = "Ray's dashboards"
    advice_table = {
        ("is not a plain file",): "a job in Ray has put it there: remove it",
        ("has written no dashboards",): (
            "see that Ray's dashboard runs: `docker logs` of the head's container"
        ),
    }

    data_dir: AbsPath
    """As in the step `ray_head`."""
    folder: AbsPath
    """Replaced as a whole: nothing else belongs in it."""

    def probe(self) -> Sh:
        return Sh.of(PROBE, data_dir=self.data_dir, folder=self.folder)

    def desired(self) -> State:
        return {"dashboards": "current"}

    def reads(self) -> list[Thing]:
        return [ray_session(self.data_dir), *read_at(self.folder)]

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        state = foresee_at(self.folder, observed, written)
        # Another Ray brings its own, or the same again.
        return None if state and ray_session(self.data_dir) in written else state

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(COPY, data_dir=self.data_dir, folder=self.folder)
