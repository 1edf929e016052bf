"""Templates in values: types are kept, nothing undefined passes, secrets stay secret."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from provision.config.templating import Scope
from provision.errors import RenderError

VARIABLES = {
    "cpus": 4,
    "name": "lab",
    "path": "/data/{{ name }}",
    "same": "{{ cpus }}",
    "nothing": None,
    "deep": {"list": ["{{ path }}", "{{ cpus }}"]},
}


def render(value: Any, **more: Any) -> Any:
    return Scope({**VARIABLES, **more}).render(value)


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("plain", "plain"),
        ("{{ cpus }}", 4),
        ("{{cpus}}", 4),
        ("{{ nothing }}", None),
        ("{{ cpus }} cores", "4 cores"),
        ("{{ cpus }}{{ cpus }}", "44"),
        ("{{ path }}/x", "/data/lab/x"),
        ("{{ same }}", 4),
        ("{{ deep }}", {"list": ["/data/lab", 4]}),
        ("{{ [cpus] + [1] }}", [4, 1]),
        ("{{ missing | default(7) }}", 7),
        ("{{ {'a': cpus}['a'] }}", 4),
        ("{% if cpus > 2 %}many{% endif %}", "many"),
        (7, 7),
        (["{{ cpus }}", {"k": "{{ name }}"}], [4, {"k": "lab"}]),
        ("a\n{{ name }}\n", "a\nlab\n"),
    ],
)
def test_leaves_are_rendered_and_keep_their_type(value: Any, result: Any) -> None:
    assert render(value) == result


def test_keys_are_never_rendered() -> None:
    assert render({"{{ name }}": 1}) == {"{{ name }}": 1}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("{{ cpu }}", "undefined variable 'cpu'; did you mean 'cpus'?"),
        ("x {{ cpu }}", "undefined variable 'cpu'; did you mean 'cpus'?"),
        ("{{ cpus.x }}", "has no attribute 'x'"),
        ("{{ cpus", "unexpected end"),
        ("{{ cpus + name }}", "cannot be rendered"),
        ("{{ name | nosuchfilter }}", "nosuchfilter"),
        ("{{ 1 / 0 }}", "cannot be rendered"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_what_cannot_be_rendered_is_an_error(value: str, problem: str) -> None:
    with pytest.raises(RenderError) as caught:
        render(value)
    assert problem in str(caught.value)


def test_an_undefined_name_inside_a_variable_says_which_variable() -> None:
    with pytest.raises(RenderError, match=r"'nowhere' \(in the variable 'a'\)"):
        render("{{ a }}", a="{{ nowhere }}")


def test_variables_that_refer_to_each_other_are_refused() -> None:
    with pytest.raises(RenderError, match="a -> b -> a"):
        render("{{ a }}", a="{{ b }}", b="{{ a }}")


def test_the_names_that_were_used_are_known_at_any_depth() -> None:
    scope = Scope(VARIABLES)
    scope.render("{{ deep }}")
    assert scope.used == {"deep", "path", "name", "cpus"}


def test_what_is_given_wins_over_variables() -> None:
    assert Scope({"name": "a"}, {"name": "b"}).render("{{ name }}") == "b"


def test_a_secret_keeps_its_type_alone_and_inside_text() -> None:
    alone = render("{{ token }}", token=SecretStr("s3cret"))
    inside = render("key={{ token }}", token=SecretStr("s3cret"))
    assert isinstance(alone, SecretStr) and alone.get_secret_value() == "s3cret"
    assert isinstance(inside, SecretStr) and inside.get_secret_value() == "key=s3cret"
    assert "s3cret" not in repr([alone, inside])
    assert render("no secret in {{ name }}") == "no secret in lab"


def test_a_secret_in_a_calculation_is_refused_and_not_turned_into_stars() -> None:
    with pytest.raises(RenderError, match="calculation"):
        render("{{ token ~ 'x' }}", token=SecretStr("s3cret"))
