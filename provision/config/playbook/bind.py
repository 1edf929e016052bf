"""Each play's steps for each of its hosts: rendered, checked, all errors at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from provision.config.inventory import Inventory
from provision.config.inventory.connection_vars import CHECKS, IGNORED, PREFIX
from provision.config.playbook import group_rules, selection
from provision.config.playbook.bound import Bound, BoundPlay
from provision.config.playbook.load import declared as declared_in
from provision.config.playbook.play import Play, Playbook, StepEntry, batch, batch_of
from provision.config.playbook.template_certificate import certifier
from provision.config.playbook.template_files import functions
from provision.config.registry import step_class
from provision.config.templating import Scope
from provision.config.validation import problems
from provision.config.yaml_source import Where, did_you_mean, shown
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
    binder = _Binder(playbook, inventory, secrets, sets or {}, frozenset(tags), run)
    raise_all(group_rules.problems(playbook.groups, inventory))
    chosen = selection.hosts(inventory, limit)
    selection.check_tags(playbook, tags)
    plays = [binder.play(number, chosen) for number in range(len(playbook.plays))]
    binder.raise_errors()
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


class _Binder:
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
        self._errors: dict[str, tuple[InputError, list[str]]] = {}
        self._used: set[str] = set()
        self._made: dict[int, deque[tuple[Mapping[str, Any], BoundStep]]] = {}
        self.warnings: list[str] = []
        self._sizes: dict[int, dict[int | str, str]] = {}
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

    def play(self, number: int, chosen: Collection[str]) -> BoundPlay:
        """Play *number*, with the steps of those of its hosts that were *chosen*."""
        play = self._playbook.plays[number]
        names = self._hosts(number, play)
        steps = {
            name: self._steps(number, play, name) for name in names if name in chosen
        }
        hosts = self._inventory.hosts
        return BoundPlay(
            play.play,
            play.after,
            batch_of(self._batch(number), len(steps)),
            {name: row for name, row in steps.items() if row},
            {name: play.become and hosts[name].become for name in steps},
        )

    def raise_errors(self) -> None:
        """Raise what went wrong so far, each problem once, with the hosts that have it."""
        raise_all(self._named(*found) for found in self._errors.values())

    def unused(self) -> Iterator[str]:
        """A warning for each variable that nothing in the playbook asks for."""
        declared = {name for play in self._playbook.plays for name in play.vars}
        inventory = {n for host in self._inventory.hosts.values() for n in host.vars}
        odd = {*inventory, *self._sets} - self._used - declared - OURS
        if odd and self._playbook.folder:
            known = declared_in(self._playbook.folder, self._inventory.credentials)
            odd -= set(known)
        for name in sorted(name for name in odd if not name.startswith(PREFIX)):
            hint = did_you_mean(name, self._used | declared)
            said = f"; {hint}" if hint.startswith("did") else ""
            yield f"the variable {name!r} is not used by the playbook{said}"

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
            self._add(source.error(PlaybookError, where, error.message, hint), "")
            return []

    def _steps(self, number: int, play: Play, name: str) -> tuple[BoundStep, ...]:
        host = self._inventory.hosts[name]
        about = {"address": host.address, "host": host, "inventory_hostname": name}
        variables = {**play.vars, **host.vars, **self._sets}
        scope = Scope(variables, {**self._given, **about})
        file = self._playbook.source(number)[0].file
        scope.give(functions(scope, file, self._inventory.credentials))
        wanted = [
            step
            for step in play.steps
            if not self._tags or self._tags & {*play.tags, *selection.tags_of(step)}
        ]
        if not self._enabled(number, play, scope, name):
            wanted = []
        self._note_batch(number, play, scope, name)
        bound = [self._bound(step, scope, name) for step in wanted]
        self._used |= scope.used
        return tuple(filter(None, bound))

    def _enabled(self, number: int, play: Play, scope: Scope, host: str) -> bool:
        enabled = self._said(number, "enabled", play.enabled, scope, host)
        if enabled is not FAILED and not isinstance(enabled, bool):
            problem = f"must be true or false, not {shown(enabled)}"
            self._of_play(number, "enabled", problem, host)
        return enabled is True

    def _note_batch(self, number: int, play: Play, scope: Scope, host: str) -> None:
        said = self._said(number, "batch", play.batch, scope, host)
        if said is FAILED:
            return
        try:
            self._sizes.setdefault(number, {}).setdefault(batch(said), host)
        except ValueError as error:
            self._of_play(number, "batch", str(error), host)

    def _batch(self, number: int) -> int | str:
        sizes = self._sizes.get(number) or {0: ""}
        if len(sizes) > 1:
            told = " but ".join(f"{size} on {host}" for size, host in sizes.items())
            self._of_play(number, "batch", f"must be the same on all hosts: {told}", "")
        return next(iter(sizes))

    def _said(
        self, number: int, key: str, value: Any, scope: Scope, host: str
    ) -> object:
        """Return the value of *key* of a play for *host*; FAILED: the error was noted."""
        try:
            return scope.render(value)
        except (RenderError, SecretError) as error:
            self._of_play(number, key, error.message, host, error.hint, type(error))
            return FAILED

    def _of_play(
        self,
        number: int,
        key: str,
        problem: str,
        host: str,
        hint: str = "",
        kind: type[InputError] = PlaybookError,
    ) -> None:
        source, where = self._playbook.source(number)
        self._add(source.error(kind, (*where, key), problem, hint), host)

    def _bound(
        self, step: StepEntry | Step, scope: Scope, host: str
    ) -> BoundStep | None:
        if isinstance(step, Step):
            self.warnings += step.warnings()
            return BoundStep(step)
        made = self._made.setdefault(id(step), deque(maxlen=VARIANTS))
        for sources, bound in made:
            if scope.agrees(sources):
                self._used |= sources.keys()
                return bound
        with scope.watch() as names:
            new = self._new(step, scope, host)
        if new:
            made.append((scope.sources(names), new))
        return new

    def _new(self, step: StepEntry, scope: Scope, host: str) -> BoundStep | None:
        params = self._rendered(step, scope, host)
        kind = step_class(step.kind)
        try:
            made = kind(**params)
        except ValidationError as error:
            for where, problem, hint in problems(error, kind, params):
                if not _failed(params, where):
                    self._wrong(step, where, problem, hint, host)
            return None
        self.warnings += made.warnings()
        place = step.source.place((*step.where, step.kind))
        return BoundStep(made, step.name, place, step.tags)

    def _rendered(self, step: StepEntry, scope: Scope, host: str) -> dict[str, Any]:
        params = {}
        for name, value in step.params.items():
            try:
                params[str(name)] = scope.render(value)
            except (RenderError, SecretError) as error:
                params[str(name)] = FAILED
                self._wrong(step, (name,), error.message, error.hint, host, type(error))
        return params

    def _wrong(
        self,
        step: StepEntry,
        where: Where,
        problem: str,
        hint: str,
        host: str,
        kind: type[InputError] = PlaybookError,
    ) -> None:
        place = (*step.where, step.kind, *where)
        self._add(step.source.error(kind, place, problem, hint), host)

    def _add(self, error: InputError, host: str) -> None:
        self._errors.setdefault(str(error), (error, []))[1].append(host)

    def _named(self, error: InputError, hosts: list[str]) -> InputError:
        """*error*, with the hosts it is about unless that is all of them."""
        if hosts == [""] or len(hosts) >= len(self._inventory.hosts) > 1:
            return error
        more = f" and {len(hosts) - 3} more" if len(hosts) > 3 else ""
        error.message += f" (on {', '.join(hosts[:3])}{more})"
        return error


VARIANTS = 8
"""Number of forms of a step that are kept, for hosts whose variables give an equal one."""
FAILED = object()
"""Stands for a parameter whose template could not be rendered."""


def _failed(params: Mapping[str, Any], where: Where) -> bool:
    return bool(where) and params.get(str(where[0])) is FAILED
