"""Jinja2 in the leaves of parameters; undefined names are errors.

A value that is one expression, `"{{ cpus }}"`, keeps its type; anything else is text.
Variables may use other variables; each is rendered once, when it is first asked for.
"""

from __future__ import annotations

import contextlib
import functools
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import SecretStr

from provision.config.json_text import Unsafe
from provision.config.yaml_source import did_you_mean, shown
from provision.errors import RenderError, SecretError
from provision.model.fields import Written

WHOLE = re.compile(r"\A\{\{[-+]?(.*?)[-+]?\}\}\Z", re.DOTALL)
Call = Callable[..., Any]

MASKED = str(SecretStr("x"))
ABSENT, OURS = object(), object()
"""Stand for a variable that there is not, and for a function of a scope's own."""

_tainted: list[bool] = []
"""Has an entry for each secret that went into the text being rendered."""


def same(one: Any, other: Any) -> bool:
    """Return True if two values are alike in templates: 1 and true are not, nor other orders."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return same([*one], [*other]) and same([*one.values()], [*other.values()])
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and (
        not isinstance(one, Written) or str(one) == str(other)
    )


def _unwrap(value: Any) -> Any:
    """A value inside a longer text: of a secret its value, and the whole text is one.

    Raises:
        RenderError: it has no text that somebody wrote, being null or a truth value.
    """
    if value is None or isinstance(value, bool):
        raise RenderError(
            f"{shown(value)} cannot be a part of text",
            hint="quote it where it is set, or write {{ 'one' if it else 'other' }}",
        )
    if isinstance(value, SecretStr):
        _tainted.append(True)
        return value.get_secret_value()
    return value


_environment = ImmutableSandboxedEnvironment(
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # what is made here is no HTML
    keep_trailing_newline=True,
    finalize=_unwrap,
)


class Scope:
    """The variables of one host in one play.

    Args:
        variables: may hold templates.
        given: values that are final and win over *variables*.

    Attributes:
        used: the names that were asked for, at any depth.
    """

    def __init__(
        self, variables: Mapping[str, Any], given: Mapping[str, Any] | None = None
    ) -> None:
        self._raw = variables
        self._given = dict(given or {})
        self._done: dict[str, Any] = dict(self._given)
        self._busy: list[str] = []
        self._needs: dict[str, frozenset[str]] = {}
        self._watched: list[set[str]] = []
        self.used: set[str] = set()

    def render(self, value: Any) -> Any:
        """*value* with every template in its leaves rendered; keys stay as they are.

        Raises:
            RenderError: a name is undefined, or a template is wrong.
            SecretError: a secret cannot be had.
        """
        if isinstance(value, Unsafe):
            return value
        if isinstance(value, str):
            return self._text(value) if "{" in value else value
        if isinstance(value, Mapping):
            return {key: self.render(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.render(item) for item in value]
        return value

    def value(self, name: str) -> Any:
        """Return the variable *name*, rendered.

        Raises:
            RenderError: see `render`.
            KeyError: there is none.
        """
        return self._get(name)

    def give(self, functions: Mapping[str, Call]) -> None:
        """Add *functions* that depend on nothing but their arguments and this scope."""
        self._done |= functions
        self._given |= dict.fromkeys(functions, OURS)

    @contextlib.contextmanager
    def watch(self) -> Iterator[set[str]]:
        """The names that are asked for in the meantime, at any depth."""
        self._watched.append(set())
        try:
            yield self._watched[-1]
        finally:
            names = self._watched.pop()
            self._note(names)

    def sources(self, names: Iterable[str]) -> dict[str, Any]:
        """Return the inputs of *names*; equal inputs render equal results."""
        return {name: self._source(name) for name in names}

    def agrees(self, sources: Mapping[str, Any]) -> bool:
        """Return True if the inputs of another scope's *sources* are the same here."""
        return all(same(self._source(name), sources[name]) for name in sources)

    def _source(self, name: str) -> Any:
        return self._given.get(name, self._raw.get(name, ABSENT))

    def _note(self, names: Iterable[str]) -> None:
        self.used.update(names)
        if self._watched:
            self._watched[-1].update(names)

    def fill(self, text: str, file: str) -> str | SecretStr:
        """The content *text* of the template *file*, rendered: always text.

        Raises:
            RenderError: see `render`; the message begins with the file and line.
            SecretError: a secret cannot be had.
        """
        try:
            filled: str | SecretStr = self._rendered(text, *_compile_file(text))
        except RenderError as error:
            line = _line(error.__cause__)
            place = f"{file}:{line}" if line else file
            problem = error.message.replace(_shown(text), "the template")
            raise RenderError(f"{place}: {problem}", hint=error.hint) from error
        return filled

    def _text(self, text: str) -> Any:
        return self._rendered(text, *_compile(text))

    def _rendered(self, text: str, call: Call, names: frozenset[str]) -> Any:
        self._note(names)
        known = {name: self._get(name) for name in names if self._has(name)}
        try:
            return call(known)
        except jinja2.UndefinedError as error:
            raise self._undefined(text, names, error) from error
        except (SecretError, RenderError):
            raise
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise RenderError(f"{_shown(text)} cannot be rendered: {error}") from error

    def _has(self, name: str) -> bool:
        return name in self._done or name in self._raw

    def _get(self, name: str) -> Any:
        if name not in self._done:
            if name in self._busy:
                circle = " -> ".join([*self._busy[self._busy.index(name) :], name])
                raise RenderError(f"variables refer to each other: {circle}")
            self._busy.append(name)
            try:
                with self.watch() as needs:
                    self._done[name] = self.render(self._raw[name])
            finally:
                self._busy.pop()
            self._needs[name] = frozenset(needs)
        self._note(self._needs.get(name, ()))
        return self._done[name]

    def _undefined(
        self, text: str, names: frozenset[str], error: jinja2.UndefinedError
    ) -> RenderError:
        missing = sorted(name for name in names if not self._has(name))
        via = f" (in the variable {self._busy[-1]!r})" if self._busy else ""
        if not missing:
            return RenderError(f"{_shown(text)}{via}: {error}")
        hint = did_you_mean(missing[0], [*self._raw, *self._done])
        return RenderError(f"undefined variable {missing[0]!r}{via}", hint=hint)


@functools.lru_cache(maxsize=4096)
def _compile(text: str) -> tuple[Call, frozenset[str]]:
    """Return the function that renders *text*, and the names it uses.

    Raises:
        RenderError: it is not a template.
    """
    try:
        tree = _environment.parse(text)
        names = frozenset(meta.find_undeclared_variables(tree))
        if expression := _expression(text, tree):
            return _evaluator(expression), names
        return _filler(_environment.from_string(text)), names
    except jinja2.TemplateSyntaxError as error:
        raise RenderError(f"{_shown(text)}: {error.message}") from error


@functools.lru_cache(maxsize=256)
def _compile_file(text: str) -> tuple[Call, frozenset[str]]:
    """As `_compile`, but what comes out is text also if *text* is one expression.

    Raises:
        RenderError: it is not a template.
    """
    try:
        names = frozenset(meta.find_undeclared_variables(_environment.parse(text)))
        return _filler(_environment.from_string(text)), names
    except jinja2.TemplateSyntaxError as error:
        raise RenderError(str(error.message)) from error


def _line(error: BaseException | None) -> int:
    """The line of a template that *error* is about; 0 = not known."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__) if error else []
    lines = [frame.lineno or 0 for frame in frames if frame.filename == "<template>"]
    return lines[-1] if lines else 0


def _expression(text: str, tree: nodes.Template) -> str:
    """The expression that *text* consists of, or ""."""
    match tree.body:
        case [nodes.Output(nodes=[single])] if not isinstance(
            single, nodes.TemplateData
        ):
            found = WHOLE.match(text.strip())
            return found[1] if found else ""
    return ""


def _evaluator(expression: str) -> Call:
    evaluate = _environment.compile_expression(expression, undefined_to_none=False)

    def call(known: Mapping[str, Any]) -> Any:
        value = evaluate(known)
        if isinstance(value, jinja2.Undefined):
            # Any use of a strict undefined raises, with the words that explain it.
            return str(value)
        if isinstance(value, str) and MASKED in value:
            raise RenderError(
                "a secret cannot be used in a calculation",
                hint="write it as text around it: \"user:{{ secret('name') }}\"",
            )
        return value

    return call


def _filler(template: jinja2.Template) -> Call:
    def call(known: Mapping[str, Any]) -> Any:
        # One template may call another; its secrets are not this one's, nor the reverse.
        outer = _tainted.copy()
        _tainted.clear()
        try:
            text = template.render(known)
            return SecretStr(text) if _tainted else text
        finally:
            _tainted[:] = outer

    return call


def _shown(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}..."
