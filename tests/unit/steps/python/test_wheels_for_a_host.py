"""Which wheels fit a host, by their names alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.steps.python.wheels import HostPython, wheel_at, wheels_in

HOST = HostPython("3.11.2", "x86_64")
FITS = {
    "ray-2.60.0-cp311-cp311-manylinux2014_x86_64.whl": True,
    "ray-2.60.0-cp310-cp310-manylinux2014_x86_64.whl": False,
    "ray-2.60.0-cp311-cp311-manylinux2014_aarch64.whl": False,
    "six-1.17.0-py2.py3-none-any.whl": True,
    "old-1.0-py2-none-any.whl": False,
    "cryptography-50.0.2-cp39-abi3-manylinux_2_28_x86_64.whl": True,
    "cryptography-50.0.2-cp312-abi3-manylinux_2_28_x86_64.whl": False,
    "py_spy-0.4.3-py2.py3-none-manylinux_2_5_x86_64.manylinux1_x86_64.whl": True,
    "built-1.0-1-py3-none-any.whl": True,
}


@pytest.mark.parametrize(("name", "fits"), FITS.items())
def test_a_wheel_fits_by_its_tags(name: str, fits: bool) -> None:
    wheel = wheel_at(Path(name))
    assert wheel is not None
    assert wheel.fits(HOST) is fits


def test_other_files_are_no_wheels(tmp_path: Path) -> None:
    for name in ("ray-2.60.0.tar.gz", "README", "Ray_X-1-py3-none-any.whl"):
        (tmp_path / name).touch()
    assert [wheel.name for wheel in wheels_in(tmp_path)] == ["ray-x"]
