"""Images that are built on a host, of files that are on the controller."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import Line, Seconds, Text, Word
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step, Thing
from provision.steps.docker.image import ADVICE, image_named

PROBE = read_shell(__file__, "build_probe.sh")
BUILD = read_shell(__file__, "build.sh")
DOCKERFILE = "Dockerfile"
LARGEST = 2**20
"""Bytes of a context that travel inside a script."""
BUILT = "build"
"""The field with the digest of what an image was built from."""
EVIDENCE = 'df -h "$(docker info --format "{{.DockerRootDir}}" 2>/dev/null || echo /)"'


def _inside(path: str) -> str:
    parts = path.split("/")
    if not path or path.startswith("/") or {"", ".", ".."} & {*parts}:
        raise ValueError("must be a path inside of the context, such as src/main.py")
    return path


RelativePath = Annotated[Line, AfterValidator(_inside)]


class DockerBuild(Step, kind="docker_build"):
    """An image with this name, built on the host of exactly these files.

    The files are on the controller and travel with the script, at most 1 MiB in all; they
    arrive with mode 644, so that what is to be run needs a `RUN chmod`. The image has the
    digest of files and arguments as its label: other files build it anew. What it is built
    FROM is not followed. With `push` it goes to its registry, from where others pull it.

    Example:
        docker_build: {name: registry.lan/mine:7, context: {Dockerfile: FROM debian:12}}

    Raises:
        RefusedError: there is an image of this name that was not built by such a step.
        ApplyError: Docker cannot build or push it; the last lines say why.

    Source: docker-build(1) and docker-image-inspect(1), Docker Engine 20.10.
    """

    title_format = "build of image {name}"
    advice_table = ADVICE

    timeout_s: Seconds = 1800
    name: Word
    context: Mapping[RelativePath, Text]
    """Content by path; one of them is the Dockerfile."""
    arguments: Mapping[Annotated[str, Field(pattern=r"\A[A-Za-z_]\w*\z")], Line] = {}
    """Arguments of the build, which are no place for secrets: the image tells them."""
    push: bool = False

    @model_validator(mode="after")
    def _can_be_built(self) -> Self:
        if DOCKERFILE not in self.context:
            raise ValueError(f"context: there is no {DOCKERFILE} in it")
        size = sum(
            len(text.encode("utf-8", "replace")) for text in self.context.values()
        )
        if size > LARGEST:
            raise ValueError(
                f"context: has {size} bytes, and at most {LARGEST} travel with a run: have "
                "the Dockerfile download what is large, or build it elsewhere and push it"
            )
        return self

    @property
    def thing(self) -> Thing:
        return image_named(self.name)

    def _digest(self) -> str:
        parts = [sorted(self.context.items()), sorted(self.arguments.items())]
        text = json.dumps(parts).encode()
        return f"sha256:{hashlib.sha256(text).hexdigest()}"

    def probe(self) -> Sh:
        return Sh.of(PROBE, name=self.name)

    def desired(self) -> State:
        return {BUILT: self._digest()}

    def plan(self, observed: State) -> list[Change]:
        if observed.get(BUILT) == "":
            raise RefusedError(
                f"there is an image {self.name} that no such step has built",
                hint="give what you build another name, or remove that image",
            )
        return super().plan(observed)

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        return {self.thing: {**super().writes(changes)[self.thing], "image": self.name}}

    def apply(self, changes: Sequence[Change]) -> Sh:
        files = [word for pair in sorted(self.context.items()) for word in pair]
        pairs = [f"{name}={value}" for name, value in sorted(self.arguments.items())]
        return Sh.of(
            BUILD,
            *files,
            name=self.name,
            digest=self._digest(),
            push=self.push,
            arguments="\n".join(pairs),
        )

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE)
