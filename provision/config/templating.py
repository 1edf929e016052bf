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
from dataclasses import dataclass
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import SecretStr

from provision.config.json_text import Unsafe
from provision.config.yaml_source import did_you_mean, shortened, shown
from provision.errors import RenderError, SecretError
from provision.steps.network.address import bracketed

WHOLE = re.compile(r"\A\{\{[-+]?(.*?)[-+]?\}\}\Z", re.DOTALL)
NAME = re.compile(r"\s*([A-Za-z_]\w*)\s*\Z")
Call = Callable[..., Any]

MASKED = str(SecretStr("x"))
SECRETS = " secrets"
"""Name in a template's context, which no variable can have, of the list of its secrets."""
ABSENT, FUNCTION = object(), object()
"""Stand for a variable that there is not, and for a function of a scope's own."""


class UndefinedError(RenderError):
    """A template names a variable that there is not."""


@jinja2.pass_context
def _part(context: jinja2.runtime.Context, value: Any) -> Any:
    """Return the text of *value* inside a longer one, which is a secret if *value* is.

    Raises:
        RenderError: it has no text that somebody wrote, being null or a truth value.
    """
    if value is None or isinstance(value, bool):
        raise RenderError(
            f"{shown(value)} cannot be a part of text",
            hint="quote it where it is set, or write {{ 'one' if it else 'other' }}",
        )
    if isinstance(value, SecretStr):
        context[SECRETS].append(value)
        return value.get_secret_value()
    return value


_environment = ImmutableSandboxedEnvironment(
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # what is made here is no HTML
    keep_trailing_newline=True,
    finalize=_part,
)
_environment.filters["bracketed"] = bracketed  # an IPv6 address before a port


@dataclass(frozen=True, slots=True)
class _Rendered:
    """The value of a variable, and the names that it is made of, at any depth."""

    value: Any
    names: frozenset[str] = frozenset()


class Scope:
    """The variables of one host in one play.

    Args:
        variables: may hold templates.
        given: values that are final and win over *variables*.

    Attributes:
        variables: as they are written.
        used: the names that were asked for, at any depth.
    """

    def __init__(
        self, variables: Mapping[str, Any], given: Mapping[str, Any] | None = None
    ) -> None:
        self.variables = variables
        self.used: set[str] = set()
        self._inputs: dict[str, Any] = {**variables, **(given or {})}
        self._rendered = {name: _Rendered(v) for name, v in (given or {}).items()}
        self._rendering: list[str] = []
        self._recorders: list[set[str]] = [self.used]

    def render(self, value: Any) -> Any:
        """*value* with every template in its leaves rendered; keys stay as they are.

        Raises:
            RenderError: a name is undefined, or a template is wrong.
            SecretError: a secret cannot be had.
        """
        if isinstance(value, Unsafe):
            return value
        if isinstance(value, str):
            return self._text(value, _compile) if "{" in value else value
        if isinstance(value, Mapping):
            return {key: self.render(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.render(item) for item in value]
        return value

    def value(self, name: str) -> Any:
        """Return the variable *name*, rendered.

        Raises:
            RenderError: see `render`.
            SecretError: see `render`.
            KeyError: there is none.
        """
        if name not in self._rendered:
            self._rendered[name] = self._variable(name)
        found = self._rendered[name]
        self._record(found.names)
        return found.value

    def render_file(self, text: str, file: str) -> str | SecretStr:
        """The content *text* of the template *file*, rendered: always text.

        Raises:
            RenderError: see `render`; the message begins with the file and line.
            SecretError: a secret cannot be had.
        """
        try:
            rendered: str | SecretStr = self._text(text, _compile_file)
        except RenderError as error:
            line = _line(error.__cause__)
            place = f"{file}:{line}" if line else file
            problem = error.message.replace(_start(text), "the template")
            raise type(error)(f"{place}: {problem}", hint=error.hint) from error
        return rendered

    def add_functions(self, functions: Mapping[str, Call]) -> None:
        """Add *functions* that depend on nothing but their arguments and this scope."""
        self._rendered |= {name: _Rendered(call) for name, call in functions.items()}
        self._inputs |= dict.fromkeys(functions, FUNCTION)

    @contextlib.contextmanager
    def recorded_names(self) -> Iterator[set[str]]:
        """The names that are asked for in the meantime, at any depth."""
        names: set[str] = set()
        self._recorders.append(names)
        try:
            yield names
        finally:
            self._recorders.pop()
            self._record(names)

    def input(self, name: str) -> Any:
        """Return what *name* is before anything is rendered.

        What is rendered of the same inputs is the same, in this scope and in another.
        """
        return self._inputs.get(name, ABSENT)

    def _record(self, names: Iterable[str]) -> None:
        self._recorders[-1].update(names)

    def _text(self, text: str, compiler: Callable[[str], Template]) -> Any:
        call, names = compiler(text)
        self._record(names)
        known = {name: self.value(name) for name in names if name in self._inputs}
        try:
            return call(known)
        except jinja2.UndefinedError as error:
            raise self._undefined(text, names, error) from error
        except (SecretError, RenderError):
            raise
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise RenderError(f"{_start(text)} cannot be rendered: {error}") from error

    def _variable(self, name: str) -> _Rendered:
        if name in self._rendering:
            circle = [*self._rendering[self._rendering.index(name) :], name]
            raise RenderError(f"variables refer to each other: {' -> '.join(circle)}")
        self._rendering.append(name)
        try:
            with self.recorded_names() as names:
                value = self.render(self.variables[name])
        finally:
            self._rendering.pop()
        return _Rendered(value, frozenset(names))

    def _undefined(
        self, text: str, names: frozenset[str], error: jinja2.UndefinedError
    ) -> RenderError:
        missing = sorted(name for name in names if name not in self._inputs)
        via = f" (in the variable {self._rendering[-1]!r})" if self._rendering else ""
        if not missing:
            return RenderError(f"{_start(text)}{via}: {error}")
        hint = did_you_mean(missing[0], self._inputs)
        return UndefinedError(f"undefined variable {missing[0]!r}{via}", hint=hint)


Template = tuple[Call, frozenset[str]]
"""A function that renders a text, and the names it uses."""


def names_in(value: object) -> Iterator[str]:
    """The names that templates in the leaves of *value* use, directly."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from names_in(item)
    elif isinstance(value, str) and "{" in value and not isinstance(value, Unsafe):
        with contextlib.suppress(RenderError):
            yield from _compile(value)[1]


def variable_in(value: object) -> str:
    """The name of the variable that *value* is, as `"{{ name }}"`, or ""."""
    if not isinstance(value, str) or isinstance(value, Unsafe):
        return ""
    whole = WHOLE.match(value.strip())
    found = NAME.match(whole[1]) if whole else None
    return found[1] if found else ""


@functools.lru_cache(maxsize=4096)
def _compile(text: str) -> Template:
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
        raise RenderError(f"{_start(text)}: {error.message}") from error


@functools.lru_cache(maxsize=256)
def _compile_file(text: str) -> Template:
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
        secrets: list[SecretStr] = []
        text = template.render({**known, SECRETS: secrets})
        return SecretStr(text) if secrets else text

    return call


def _start(text: str) -> str:
    return shortened(text, 80)
