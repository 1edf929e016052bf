"""Checksums of archives, and the forms of the files that list them."""

from __future__ import annotations

import pytest
from archive_host import ARCH, Host, Shell, digest
from shells import EACH_SHELL

pytestmark = pytest.mark.slow
"""Downloads by three programs in three shells take too long for `invoke check`."""


@EACH_SHELL
def test_another_content_than_promised_is_refused(shell: Shell, host: Host) -> None:
    host.has("curl")
    data, promised = host.publish("1.0"), "a" * 64
    step = host.step("1.0", checksum=f"sha256:{promised}")
    done = host.apply(shell, step)
    assert done.exit != 0
    assert f"promised sha256:{promised}" in done.stderr
    assert f"found    sha256:{digest(data)}" in done.stderr
    assert "publisher's page" in step.advice(done.stderr)
    assert not host.part("1.0").exists()
    assert host.names() == [".part"]


@EACH_SHELL
def test_a_web_page_instead_of_the_archive_is_reported(
    shell: Shell, host: Host
) -> None:
    host.has("curl")
    host.publish("1.0")
    host.server.files[f"/program-1.0.linux-{ARCH}.tar.gz"] = b"<!DOCTYPE html>log in"
    assert "but a web page" in host.apply(shell, host.step("1.0")).stderr


@EACH_SHELL
@pytest.mark.parametrize(
    "sums",
    [
        "{sum}",
        "{sum} *{name}\n",
        "{sum}  ./{name}\r\n",
        "{other}  x-{name}\n{sum}  {name}\n",
        "SHA256 ({name}) = {sum}\n",
        "MD5 ({name}) = 0\nSHA256 (x) = {other}\nSHA256 (./{name}) = {sum}\r\n",
        "SHA2-256({name})= {sum}\n",
        "{other}  a b\n{other} *{name} b\n{sum} *{name}\n",
    ],
)
def test_files_of_sums_come_in_several_forms(
    shell: Shell, sums: str, host: Host
) -> None:
    host.has("curl")
    data, name = host.publish("1.0"), f"program-1.0.linux-{ARCH}.tar.gz"
    text = sums.format(sum=digest(data), other="b" * 64, name=name)
    host.server.files["/sums.txt"] = text.encode()
    host.becomes(shell, host.step("1.0"))


@EACH_SHELL
@pytest.mark.parametrize("form", ["{sum} *{name}\n", "SHA256 ({name}) = {sum}\n"])
def test_a_name_may_have_spaces(shell: Shell, form: str, host: Host) -> None:
    host.has("curl")
    data = host.publish("1.0")
    host.server.files["/my%20program+.tgz"] = data
    text = form.format(sum=digest(data), name="my program+.tgz")
    host.server.files["/sums.txt"] = text.encode()
    host.becomes(shell, host.step("1.0", url=f"{host.url}/my%20program+.tgz"))


@EACH_SHELL
@pytest.mark.parametrize("form", ["{}  other.tar.gz\n", "SHA256 (other.tar.gz) = {}\n"])
def test_a_file_without_its_sum_is_reported(
    shell: Shell, form: str, host: Host
) -> None:
    host.has("curl")
    host.publish("1.0")
    host.server.files["/sums.txt"] = form.format("a" * 64).encode()
    step = host.step("1.0")
    done = host.apply(shell, step)
    assert f"/sums.txt has no SHA-256 sum of program-1.0.linux-{ARCH}" in done.stderr
    assert "another version" in step.advice(done.stderr)


@EACH_SHELL
@pytest.mark.parametrize(
    "sums", ["", "garbage\n", "<html>\n", f"{'a' * 128}  other.tar.gz\n"]
)
def test_a_file_of_something_else_is_called_that(
    shell: Shell, sums: str, host: Host
) -> None:
    host.has("curl")
    host.publish("1.0")
    host.server.files["/sums.txt"] = sums.encode()
    step = host.step("1.0")
    done = host.apply(shell, step)
    assert "/sums.txt is in no known format of SHA-256 sums" in done.stderr
    assert sums[:9].strip() in done.stderr
    assert "checksum: sha256:" in step.advice(done.stderr)


@EACH_SHELL
def test_each_architecture_has_its_checksum(shell: Shell, host: Host) -> None:
    host.has("curl")
    data = host.publish("1.0")
    sums = {"amd64": f"sha256:{digest(data)}", "arm64": f"sha256:{digest(data)}"}
    host.becomes(shell, host.step("1.0", checksum=sums))
    del sums[ARCH]
    step = host.step("1.0", checksum=sums)
    done = host.apply(shell, step)
    assert f"there is no checksum for {ARCH}" in done.stderr
    assert "add the architecture" in step.advice(done.stderr)
