"""Rules about images: what is read, what may go, and what an image of a container keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from provision.cli.ray.images.images import age, row_of, size
from provision.errors import HostError, OptionError
from provision.ray.images.facts import Image, read, seconds
from provision.ray.images.origin import changes, check_tag, emptied
from provision.ray.images.prune import unused


def image(name: str, since: int | None = 0, **values: Any) -> Image:
    made = {"brought": (name,), **values}
    return Image(f"sha256:{name}", (name,), (), 1, since, since, {}, **made)


def lines(**values: Any) -> str:
    one = {
        "id": "sha256:a",
        "names": ["rayproject/ray:2"],
        "digests": None,
        "size": 7,
        "created": "2026-01-02T03:04:05.123456789Z",
        "came": "2026-02-02T03:04:05.1+01:00",
        "labels": None,
        **values,
    }
    user = {"image": "sha256:a", "name": "/ray-c", "status": "exited"}
    return f"image {json.dumps(one)}\ncontainer {json.dumps(user)}\n"


class TestReading:
    def test_an_image_has_its_users_and_who_brought_it(self) -> None:
        [found] = read("h", lines() + "brought docker.io/rayproject/ray:2\nall\n")
        assert found.used_by == ("ray-c",)
        assert found.brought == ("rayproject/ray:2",)
        assert (found.created, found.came) == (1767323045, 1769997845)

    @pytest.mark.parametrize("brought", ["rayproject/ray:22", "ray:2", "x/rayproject"])
    def test_another_name_is_not_ours(self, brought: str) -> None:
        [found] = read("h", f"{lines()}brought {brought}\nall\n")
        assert found.brought == ()

    def test_a_name_without_a_tag_is_the_latest(self) -> None:
        text = lines(names=["busybox:latest"])
        [found] = read("h", f"{text}brought busybox\nall\n")
        assert found.brought == ("busybox:latest",)

    def test_half_an_answer_is_no_answer(self) -> None:
        with pytest.raises(HostError, match="h: its images were not read to the end"):
            read("h", lines())

    @pytest.mark.parametrize("text", ["image {", "image []", "image 7", "container {}"])
    def test_odd_answers_are_errors(self, text: str) -> None:
        with pytest.raises(HostError, match="h: Docker's answer cannot be read"):
            read("h", f"{text}\nall\n")

    @pytest.mark.parametrize("text", [None, "", "0001-01-01T00:00:00Z"])
    def test_a_time_that_docker_does_not_know_is_unknown(
        self, text: str | None
    ) -> None:
        assert seconds(text) is None
        [found] = read("h", lines(created="", came=text) + "all\n")
        assert row_of(found, 0).age == "unknown"

    def test_words_of_the_table(self) -> None:
        [found] = read("h", lines(labels={"provision.commit.base": "b:1"}) + "all\n")
        assert row_of(found, 0).origin == "commit of b:1 on ?"
        assert (size(2_500_000_000), size(1_200_000)) == ("2.5 GB", "1.2 MB")
        assert [age(s) for s in (-5, 200, 7200, 3 * 86400)] == [
            "0 s",
            "3 min",
            "2 h",
            "3 d",
        ]


IMAGES = st.lists(
    st.builds(
        lambda n, since, brought, used: image(
            f"i:{n}",
            since,
            brought=(f"i:{n}",) if brought else (),
            used_by=("c",) if used else (),
        ),
        st.integers(0, 99),
        st.none() | st.integers(0, 50),
        st.booleans(),
        st.booleans(),
    ),
    max_size=8,
    unique_by=lambda i: i.id,
)


class TestPruning:
    @settings(max_examples=200, phases=(Phase.explicit, Phase.generate))
    @given(IMAGES, st.integers(0, 4), st.integers(0, 50), st.integers(0, 99))
    def test_only_what_is_ours_old_and_not_in_use_goes(
        self, images: list[Image], keep: int, before: int, wanted: int
    ) -> None:
        gone = unused(images, {f"i:{wanted}"}, keep, before)
        for one in gone:
            assert one.brought and not one.used_by
            assert one.since is not None and one.since <= before
            assert f"i:{wanted}" not in one.names
        could = [i for i in images if i.brought and not i.used_by]
        stay = [i for i in could if i not in gone and f"i:{wanted}" not in i.names]
        assert len(stay) >= min(keep, len(stay) + len(gone))
        for one in gone:
            older = [
                i for i in stay if i.since is not None and i.since < (one.since or 0)
            ]
            assert not older, "the latest stay"

    def test_the_latest_stays(self) -> None:
        images = [image("a:1", 10), image("a:3", 30), image("a:2", 20)]
        names = [one.names[0] for one in unused(images, set(), 1, 100)]
        assert names == ["a:2", "a:1"]

    def test_one_of_unknown_age_stays(self) -> None:
        assert unused([image("a:1", None)], set(), 0, 100) == ()


@pytest.mark.parametrize(
    "tag",
    ["lab/ray:mine", "registry.lan:5000/a/b_c-d:1.2", "localhost/x:Y", "ray:2.60.0"],
)
def test_names_that_docker_takes(tag: str) -> None:
    check_tag(tag)


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "ray",
        "Ray:1",
        "a b:1",
        "a:1;rm",
        "-x:1",
        "a@sha256:00",
        "a:",
        "a/:1",
        "a:b\n",
        "x" * 300 + ":1",
        "$(id):1",
    ],
)
def test_names_that_docker_would_refuse(tag: str) -> None:
    with pytest.raises(OptionError, match="--tag takes the name of an image"):
        check_tag(tag)


class TestConfiguration:
    BASE = {
        "Config": {
            "Env": ["PATH=/bin", 'ODD=a "b" $c\\'],
            "Cmd": ["bash"],
            "Labels": {"of": "base", "provision.build": "7"},
        }
    }
    CONTAINER = {
        "Config": {
            "Env": ["PATH=/bin", "ODD=other", "SECRET=hunter2", "X=1\n2"],
            "Cmd": ["ray", "start"],
            "Labels": {"of": "base", "provision.role": "ray_head"},
        }
    }

    def test_no_value_of_the_container_gets_into_the_image(self) -> None:
        found = changes(self.CONTAINER, self.BASE, {"host": "node1"})
        text = "\n".join(found)
        assert "hunter2" not in text and "ray_head" not in text
        assert '--change=ENV SECRET=""' in found
        assert '--change=ENV ODD="a \\"b\\" \\$c\\\\"' in found
        assert '--change=LABEL provision.role=""' in found
        assert '--change=CMD ["bash"]' in found
        assert '--change=LABEL provision.commit.host="node1"' in found
        assert not any("PATH" in line for line in found)
        assert emptied(self.CONTAINER, self.BASE) == ["SECRET", "X"]

    def test_what_an_image_is_without_stays_so_in_one_of_its_containers(self) -> None:
        labels = {"provision.commit.unset": "OLD $(id)"}
        base = {"Config": {"Env": ["OLD="], "Labels": labels}}
        container = {"Config": {"Env": ["OLD", "NEW=1"]}}
        assert emptied(container, base) == ["NEW", "OLD"]

    def test_an_origin_is_one_line_and_no_instruction(self) -> None:
        found = changes({}, {}, {"by": 'a"$(x)\nRUN evil@b'})
        assert found[0] == '--change=LABEL provision.commit.by="a___x__RUN evil@b"'
        assert found[1] == "--change=CMD []"
