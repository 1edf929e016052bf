"""Each play's steps for each of its hosts: rendered, checked, all errors at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from provision.config.inventory import Host, Inventory
from provision.config.inventory.connection_vars import CHECKS, IGNORED, PREFIX
from provision.config.playbook import group_rules, lanes, selection
from provision.config.playbook.faults import Faults, Unrendered
from provision.config.playbook.load import declared as declared_in
from provision.config.playbook.play import (
    Bound,
    BoundPlay,
    Play,
    Playbook,
    StepEntry,
    batch,
    batch_of,
)
from provision.config.playbook.step_cache import StepCache
from provision.config.playbook.template_certificate import certifier
from provision.config.playbook.template_files import functions
from provision.config.playbook.variables import Variables
from provision.config.registry import step_class
from provision.config.spelling import nearest
from provision.config.templating import Scope
from provision.config.validation import problems
from provision.config.yaml_source import Where, shown
from provision.errors import (
    InputError,
    InventoryError,
    OptionError,
    PlaybookError,
    RenderError,
    SecretError,
    raise_all,
)
from provision.model.step import BoundStep, Step
from provision.secrets.store import Secrets

OURS = frozenset({*CHECKS, *IGNORED})
"""Variables that are for the inventory itself."""


def bind(
    playbook: Playbook,
    inventory: Inventory,
    *,
    secrets: Secrets,
    sets: Mapping[str, Any] | None = None,
    tags: Collection[str] = (),
    limit: str = "",
    run: str = "",
) -> Bound:
    """Make every step of every host.

    Args:
        playbook: the plays.
        inventory: the hosts.
        secrets: what `secret('name')` in a template asks.
        sets: variables that win over all others.
        tags: only steps with one of these, or of a play with one.
        limit: a pattern; only these hosts.
        run: the name of this run, which templates may use.

    Raises:
        InputErrors: all that is wrong, on any host.
        InputError: the one thing that is.
    """
    groups = list(group_rules.problems(playbook.groups, inventory))
    if groups:
        raise_all([*playbook.problems, *groups])
    chosen = selection.hosts(inventory, limit)
    if not playbook.problems:
        selection.check_tags(playbook, tags)
    binder = _Binder(playbook, inventory, secrets, sets or {}, frozenset(tags), run)
    binder.leave_out(name for name in inventory.hosts if name not in chosen)
    plays = [binder.play(number, chosen) for number in range(len(playbook.plays))]
    raise_all([*playbook.problems, *binder.faults.errors()])
    raise_all(lanes.problems(plays))
    if not any(play.steps for play in plays):
        raise OptionError("there is nothing to do for the chosen hosts and tags")
    passwords = {secret for host in inventory.hosts.values() for secret in host.secrets}
    return Bound(
        plays=tuple(plays),
        hosts=inventory.hosts,
        warnings=(*binder.unused(), *dict.fromkeys(binder.warnings)),
        secrets={*secrets.values, *passwords, *playbook.hidden()},
        groups=tuple(playbook.groups),
    )


@dataclass(frozen=True, slots=True)
class _Values:
    """The variables of a host in a play, and the scope that renders with them."""

    variables: Variables
    scope: Scope


class _Binder:
    """Makes the steps of plays; what is wrong is gathered in `faults`."""

    def __init__(
        self,
        playbook: Playbook,
        inventory: Inventory,
        secrets: Secrets,
        sets: Mapping[str, Any],
        tags: frozenset[str],
        run: str,
    ) -> None:
        self._playbook = playbook
        self._inventory = inventory
        self._sets = sets
        self._tags = tags
        self._used: set[str] = set()
        self._made = StepCache()
        self.faults = Faults(len(inventory.hosts))
        self.warnings: list[str] = []
        self._given = {
            "cluster": inventory.cluster,
            "run": run,
            "secret": secrets,
            "certificate": certifier(secrets, inventory.cluster, self.warnings),
            "groups": {
                name: [inventory.hosts[host] for host in members]
                for name, members in inventory.groups.items()
            },
        }

    def leave_out(self, names: Iterable[str]) -> None:
        """Give templates the *names* of the hosts that are not chosen."""
        self._given["left_out"] = list(names)

    def play(self, number: int, chosen: Collection[str]) -> BoundPlay:
        """Play *number*, with the steps of those of its hosts that were *chosen*."""
        play = self._playbook.plays[number]
        rows: dict[str, tuple[BoundStep, ...]] = {}
        sizes: dict[int | str, str] = {}
        for name in self._hosts(number, play):
            if name in chosen:
                values = self._values(number, play, name)
                rows[name] = self._steps(number, play, values)
                sizes.setdefault(self._batch(number, play, values), name)
                self._used |= values.scope.used
        hosts = self._inventory.hosts
        return BoundPlay(
            play.play,
            play.after,
            batch_of(self._one_batch(number, sizes), len(rows)),
            {name: row for name, row in rows.items() if row},
            {name: play.become and hosts[name].become for name in rows},
            play.lane,
        )

    def unused(self) -> Iterator[str]:
        """A warning for each variable that nothing in the playbook asks for."""
        declared = {name for play in self._playbook.plays for name in play.vars}
        inventory = {n for host in self._inventory.hosts.values() for n in host.vars}
        odd = {*inventory, *self._sets} - self._used - declared - OURS
        others: set[str] = set()
        if odd and self._playbook.folder:
            credentials = self._inventory.credentials
            others = set(declared_in(self._playbook.folder, credentials))
        known = {*self._used, *declared, *others}
        for name in sorted(name for name in odd if not name.startswith(PREFIX)):
            if name not in others:
                near = nearest(name, known)
                hint = f"; did you mean {near!r}?" if near else ""
                yield f"the variable {name!r} is not used by the playbook{hint}"

    def _hosts(self, number: int, play: Play) -> list[str]:
        try:
            return self._inventory.select(play.hosts)
        except InventoryError as error:
            source, where = self._playbook.source(number)
            hint = error.hint
            if not hint.startswith("did"):
                file = self._inventory.path or "the inventory"
                hint = f"add the group to {file} (it may be empty)"
            where = (*where, "hosts")
            self.faults.add(source.error(PlaybookError, where, error.message, hint))
            return []

    def _values(self, number: int, play: Play, name: str) -> _Values:
        source, where = self._playbook.source(number)
        host = self._inventory.hosts[name]
        variables = Variables(host, self._sets, play.vars, source, where)
        about = {"address": host.address, "host": host, "inventory_hostname": name}
        scope = Scope(variables.merged, {**self._given, **about})
        scope.add_functions(functions(scope, source.file, self._inventory.credentials))
        scope.add_functions({"value_on": self._other_hosts(number, play)})
        return _Values(variables, scope)

    def _other_hosts(self, number: int, play: Play) -> Callable[[Host, str], Any]:
        """`value_on(groups.head[0], 'name')`: a variable as another host of a play has it."""

        def value_on(host: Host, name: str) -> Any:
            scope = self._values(number, play, host.name).scope
            try:
                return scope.value(name)
            except KeyError:
                raise RenderError(f"{host.name} has no variable {name!r}") from None

        return value_on

    def _steps(self, number: int, play: Play, values: _Values) -> tuple[BoundStep, ...]:
        if not self._enabled(number, play, values):
            return ()
        wanted = [
            step
            for step in play.steps
            if not self._tags or self._tags & {*play.tags, *selection.tags_of(step)}
        ]
        return tuple(filter(None, [self._bound(step, values) for step in wanted]))

    def _enabled(self, number: int, play: Play, values: _Values) -> bool:
        key = self._key(number, "enabled", play.enabled)
        enabled = self._rendered(key, values)
        if enabled is not FAILED and not isinstance(enabled, bool):
            problem = f"must be true or false, not {shown(enabled)}"
            self.faults.add_value(key, values.variables, PlaybookError(problem))
        return enabled is True

    def _batch(self, number: int, play: Play, values: _Values) -> int | str:
        """The size of batches as the variables of one host give it; 0: it is wrong."""
        key = self._key(number, "batch", play.batch)
        size = self._rendered(key, values)
        try:
            return 0 if size is FAILED else batch(size)
        except ValueError as error:
            self.faults.add_value(key, values.variables, PlaybookError(str(error)))
            return 0

    def _one_batch(self, number: int, sizes: Mapping[int | str, str]) -> int | str:
        if len(sizes) > 1:
            found = " but ".join(f"{size} on {host}" for size, host in sizes.items())
            problem = f"must be the same on all hosts: {found}"
            key = self._key(number, "batch", None)
            self.faults.add(key.error(PlaybookError, (), problem, ""))
        return next(iter(sizes), 0)

    def _key(self, number: int, key: str, value: Any) -> Unrendered:
        source, where = self._playbook.source(number)
        return Unrendered(source, (*where, key), value)

    def _bound(self, step: StepEntry | Step, values: _Values) -> BoundStep | None:
        if isinstance(step, Step):
            self.warnings += step.warnings()
            return BoundStep(step)
        if made := self._made.find(step, values.scope):
            return made
        with values.scope.recorded_names() as names:
            new = self._new(step, values)
        if new:
            self._made.add(step, values.scope, names, new)
        return new

    def _new(self, entry: StepEntry, values: _Values) -> BoundStep | None:
        written = Unrendered(entry.source, (*entry.where, entry.kind), entry.params)
        params = {
            name: self._rendered(written, values, (name,)) for name in entry.params
        }
        kind = step_class(entry.kind)
        try:
            step = kind(**params)
        except ValidationError as error:
            for where, problem, hint in problems(error, kind, params):
                if params.get(str(next(iter(where), ""))) is not FAILED:
                    wrong = PlaybookError(problem, hint=hint)
                    self.faults.add_value(written, values.variables, wrong, where)
            return None
        self.warnings += step.warnings()
        place = entry.source.place(written.where)
        return BoundStep(step, entry.name, place, entry.tags)

    def _rendered(
        self, written: Unrendered, values: _Values, where: Where = ()
    ) -> object:
        """Return what is at *where*, rendered; FAILED: the error was noted."""
        value = written.value[where[0]] if where else written.value
        try:
            return values.scope.render(value)
        except (RenderError, SecretError) as error:
            names = _names(values.scope, value)
            self.faults.add_value(written, values.variables, error, where, names)
            return FAILED


def _names(scope: Scope, value: object) -> set[str]:
    """The names that *value*, which cannot be rendered, asks for before it fails."""
    with scope.recorded_names() as names, contextlib.suppress(InputError):
        scope.render(value)
    return names


FAILED = object()
"""Stands for a value that could not be rendered."""
