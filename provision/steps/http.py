"""The answer to an HTTP request that a host made with `http.sh`."""

from __future__ import annotations

import re
from dataclasses import dataclass

STATUS = re.compile(r"HTTP/\S+ ([0-9]{3})(?: |\Z)")


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer.

    Attributes:
        status: its first line; empty if nothing answered.
        code: the status code; 0 if it is not an answer of HTTP.
        body: what follows its headers.
    """

    status: str
    code: int
    body: str


def parse_http(output: str) -> HttpReply:
    """Read what `http SECONDS reply ...` of `http.sh` printed."""
    head, _, body = output.replace("\r\n", "\n").partition("\n\n")
    status = head.partition("\n")[0]
    match = STATUS.match(status)
    return HttpReply(status, int(match[1]) if match else 0, body)
