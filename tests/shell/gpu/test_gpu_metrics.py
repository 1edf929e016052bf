"""The program that writes metrics of GPUs, with a stub nvidia-smi and dmesg."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from shells import EACH_SHELL, NOT_BUSYBOX
from support.gpu_host import H200

PROGRAM = Path(__file__).parents[3] / "playbooks/templates/gpu_metrics.sh"
OLD_ROW = (
    f"0, {H200}, 0, 0, [N/A], 78.18, 700.00, 700.00, Not Active, Not Active, Not Active, "
    "Not Active"
)
ROW = f"{OLD_ROW}, 0, 0, No, No, 41"
"""Real values of an H200 with driver 580.159.04."""
SICK = OLD_ROW.replace("0, 0, [N/A]", "7, 2, Yes", 1).replace("Not Active", "Active", 1)
SMI = """#!/bin/sh
case $1 in *remapped_rows*) {newer} ;; esac
cat <<'E'
{rows}
E
exit {code}
"""
XID = (
    "[  3.1] NVRM: loading NVIDIA UNIX Open Kernel Module for x86_64  580.159.04\n"
    "[ 99.1] NVRM: Xid (PCI:0000:06:00): 79, pid=1234, GPU has fallen off the bus.\n"
    "[ 99.2] NVRM: Xid (PCI:0000:06:00): 79, pid=1234, GPU has fallen off the bus.\n"
    "[ 99.3] NVRM: Xid (PCI:0000:07:00): 63, Row Remapper: New row marked\n"
)
Shell = tuple[str, ...]


def put(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def written(
    shell: Shell,
    folder: Path,
    *rows: str,
    newer: str = "true",
    code: int = 0,
    dmesg: str | None = "",
) -> dict[str, str]:
    """Return the samples that the program writes, by name and labels."""
    tools = folder / "tools"
    tools.mkdir()
    put(tools, "nvidia-smi", SMI.format(rows="\n".join(rows), newer=newer, code=code))
    (folder / "log").write_text(dmesg or "")
    end = "exit 1" if dmesg is None else f"cat {folder}/log"
    put(tools, "dmesg", f"#!/bin/sh\n{end}\n")
    env = {"PATH": f"{tools}:/usr/bin:/bin"}
    done = subprocess.run(
        [*shell, str(PROGRAM), str(folder)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (folder / "gpus.prom.new").exists()
    lines = (folder / "gpus.prom").read_text().splitlines()
    types = [line for line in lines if line.startswith("# TYPE")]
    assert len(set(types)) == len(types), "Prometheus refuses a type that comes twice"
    samples = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name.removeprefix("provision_gpu_"): value for name, value in samples}


@EACH_SHELL
def test_a_gpu_that_is_well(shell: Shell, tmp_path: Path) -> None:
    found = written(shell, tmp_path, ROW)
    labels = f'{{index="0",uuid="{H200}"}}'
    assert found["smi_up"] == "1"
    assert found[f"power_watts{labels}"] == "78.18"
    assert found[f"power_limit_watts{labels}"] == "700.00"
    assert found[f"ecc_uncorrected{labels}"] == "0"
    assert found[f"throttled_sw_power_cap{labels}"] == "0"
    assert found[f"remapped_rows_pending{labels}"] == "0"
    assert found[f"memory_temperature_celsius{labels}"] == "41"
    assert found["xid_readable"] == "1"


@NOT_BUSYBOX  # which has a dmesg of its own
def test_what_is_not_told_is_left_out(shell: Shell, tmp_path: Path) -> None:
    names = " ".join(written(shell, tmp_path, ROW, dmesg=None))
    assert "retired_pages_pending" not in names
    assert "xid" not in names, "a log that cannot be read is not one without errors"


@EACH_SHELL
def test_two_gpus_of_which_one_is_ill(shell: Shell, tmp_path: Path) -> None:
    second = (
        SICK.replace("0, ", "1, ", 1).replace(H200, "GPU-b") + ", 3, 1, Yes, Yes, 95"
    )
    found = written(shell, tmp_path, ROW, second)
    ill = '{index="1",uuid="GPU-b"}'
    assert found[f"ecc_corrected{ill}"] == "7"
    assert found[f"ecc_uncorrected{ill}"] == "2"
    assert found[f"retired_pages_pending{ill}"] == "1"
    assert found[f"throttled_sw_power_cap{ill}"] == "1"
    assert found[f"remapped_rows_uncorrectable{ill}"] == "1"
    assert found[f"remapped_rows_failed{ill}"] == "1"
    assert found[f'ecc_uncorrected{{index="0",uuid="{H200}"}}'] == "0"


@NOT_BUSYBOX  # which has a dmesg of its own
def test_xid_errors_are_counted_by_gpu_and_number(shell: Shell, tmp_path: Path) -> None:
    found = written(shell, tmp_path, ROW, dmesg=XID)
    assert found['xid_errors{bus="0000:06:00",xid="79"}'] == "2"
    assert found['xid_errors{bus="0000:07:00",xid="63"}'] == "1"


@EACH_SHELL
def test_an_old_driver_tells_what_it_knows(shell: Shell, tmp_path: Path) -> None:
    found = written(shell, tmp_path, OLD_ROW, newer="exit 2")
    assert found["smi_up"] == "1"
    names = " ".join(found)
    assert "power_watts" in names and "remapped_rows" not in names


@EACH_SHELL
@pytest.mark.parametrize("code", [9, 124])
def test_a_driver_that_does_not_answer_is_one_number(
    shell: Shell, tmp_path: Path, code: int
) -> None:
    found = written(shell, tmp_path, "NVIDIA-SMI has failed", code=code)
    assert found == {"smi_up": "0", "xid_readable": "1"}


@EACH_SHELL
def test_what_is_no_number_is_left_out(shell: Shell, tmp_path: Path) -> None:
    odd = f"0, {H200}, 00000000:00:07.0, 5 W, 1.2.3, 78.18, , -"
    found = written(shell, tmp_path, odd)
    assert {value for name, value in found.items() if "uuid=" in name} == {"78.18"}
    assert found["smi_up"] == "1"


@EACH_SHELL
@pytest.mark.parametrize(("code", "times"), [(124, 1), (137, 1), (2, 2)])
def test_one_that_hangs_is_not_asked_again(
    shell: Shell, tmp_path: Path, code: int, times: int
) -> None:
    newer = f"echo . >>{tmp_path}/asked"
    found = written(shell, tmp_path, newer=f"{newer};; *) {newer}", code=code)
    assert found["smi_up"] == "0"
    assert (tmp_path / "asked").read_text() == ".\n" * times
