"""Docker containers on a host: running as described, or gone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr

from provision.errors import ProbeError, RefusedError
from provision.fields import AbsPath, Line, Text, Word
from provision.shell import Reply, Sh
from provision.step import Absence, Change, State, Step, parse_lines

DIGEST = r"""
digest() {
    [ "$#" = 0 ] || sha256sum -- "$@" 2>&1 | sha256sum | cut -c -16
}
"""
LOOK = (
    DIGEST
    + r"""
command -v docker >/dev/null || exit 0
{ why=$(docker container inspect --format 'status={{.State.Status}}
health={{if .State.Health}}{{.State.Health.Status}}{{end}}
restart={{.HostConfig.RestartPolicy.Name}}
from={{.Image}}
files_then={{index .Config.Labels "provision.files"}}
spec={{index .Config.Labels "provision.spec"}}' "$name" 2>&1 >&3); } 3>&1 || {
    case $why in *[Nn]"o such "*) exit 0 ;; esac
    printf '%s\n' "$why" >&2
    exit 1
}
printf 'files_now=%s\n' "$(digest "$@")"
docker image inspect --format 'image_now={{.Id}}' "$image" 2>/dev/null || true
"""
)
RUN = (
    DIGEST
    + r"""
count=$1
shift
i=0
while [ "$i" -lt "$count" ]; do
    set -- "$@" "$1"
    shift
    i=$((i + 1))
done
"""
)
