"""The probe of GPUs, on hosts made of files: cards, drivers, CDI files and stub programs."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from shells import EACH_SHELL
from support.gpu_host import (
    CDI,
    DRIVER,
    H100,
    H200,
    MIG,
    MIG_UUIDS,
    NO_DRIVER,
    ROWS,
    UNIFIED,
    GpuHost,
)

from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import parse_lines
from provision.steps.gpu import host_gpus
from provision.steps.gpu.host_gpus import HostGpus, read_gpus, vendor_ids

FIND = read_shell(host_gpus.__file__, "find_gpus.sh")
Shell = tuple[str, ...]


def asked(shell: Shell, host: GpuHost, call: str = "find_gpus") -> Reply:
    sh = Sh.of("", gpu_vendors=vendor_ids()).render()
    script = f"(\nset -u\n{sh}\n{FIND}\n{call}\n) </dev/null\n"
    env = {"PATH": str(host.tools), "LC_ALL": "C", "PROVISION_GPU_ROOT": str(host.root)}
    done = subprocess.run(
        shell, input=script, env=env, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return Reply(done.stdout, done.stderr, done.returncode)


def found(shell: Shell, host: GpuHost) -> HostGpus:
    reply = asked(shell, host)
    assert reply.exit == 0
    return read_gpus(parse_lines(reply.stdout))


@EACH_SHELL
def test_a_host_with_no_gpu_says_nothing(shell: Shell, host: GpuHost) -> None:
    host.card("0000:00:00.0", "8086:0d57", "060000", driver="")
    host.card("0000:00:03.0", "1af4:1041", "020000", driver="virtio-pci")
    host.card("0000:00:05.0", "10de:10fa", "040300", driver="snd_hda_intel")
    assert asked(shell, host).stdout == ""


@EACH_SHELL
def test_a_host_with_no_gpu_starts_no_program(
    shell: Shell, host: GpuHost, tmp_path: Path
) -> None:
    host.card("0000:00:03.0", "1af4:1041", "020000", driver="virtio-pci")
    host.tools = tmp_path / "no-program"
    host.tools.mkdir()
    assert asked(shell, host) == Reply()


@EACH_SHELL
def test_a_host_with_one_gpu_and_docker_with_cdi(shell: Shell, host: GpuHost) -> None:
    host.card().driver().smi(ROWS[H100]).cdi().docker("26.1.5")
    gpus = found(shell, host)
    assert [str(card) for card in gpus.cards] == ["NVIDIA 10de:2330 at 0000:00:06.0"]
    assert (gpus.cards[0].driver, gpus.driver, gpus.error) == ("nvidia", DRIVER, "")
    [gpu] = gpus.gpus
    assert (gpu.index, gpu.uuid, gpu.name) == ("0", H100, "NVIDIA H100 80GB HBM3")
    assert (gpu.memory_mb, gpu.mig) == (81559, None)
    [file] = gpus.cdi
    assert (file.path, file.driver) == ("/etc/cdi/nvidia.yaml", DRIVER)
    assert file.names == ("0", H100, "all")
    assert gpus.docker and gpus.docker.cdi_dirs == ("/etc/cdi", "/var/run/cdi")
    assert gpus.docker.runtimes == ("runc",)


@EACH_SHELL
@pytest.mark.parametrize(
    "at", ["/usr/local/nvidia/bin", "/usr/lib/wsl/lib", "/opt/bin"]
)
def test_nvidia_smi_is_found_where_no_path_leads(
    shell: Shell, host: GpuHost, at: str
) -> None:
    host.card().driver().smi(ROWS[H100], ROWS[H200], at=at)
    gpus = found(shell, host)
    assert gpus.smi == f"{host.root}{at}/nvidia-smi"
    assert [gpu.uuid for gpu in gpus.gpus] == [H100, H200]


@EACH_SHELL
def test_a_host_that_is_a_container_shows_no_card(shell: Shell, host: GpuHost) -> None:
    host.smi(ROWS[H100]).nvidiactl()
    os.link(host.root / "usr/bin/nvidia-smi", host.tools / "nvidia-smi")
    gpus = found(shell, host)
    assert (gpus.cards, len(gpus.gpus)) == ((), 1)


@EACH_SHELL
def test_a_card_whose_driver_is_not_loaded(shell: Shell, host: GpuHost) -> None:
    gpus = found(shell, host.card(driver="nouveau"))
    assert (gpus.cards[0].driver, gpus.cards[0].has_driver) == ("nouveau", False)
    assert (gpus.driver, gpus.smi, gpus.gpus) == ("", "", ())


@EACH_SHELL
def test_the_version_of_the_driver_is_in_proc_too(shell: Shell, host: GpuHost) -> None:
    place = host.card().root / "proc/driver/nvidia"
    place.mkdir(parents=True)
    (place / "version").write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release "
        "Build  (nixbld@)  \nGCC version:  gcc version 15.3.0 (GCC) \n"
    )
    assert found(shell, host).driver == DRIVER


@EACH_SHELL
def test_an_nvidia_smi_that_fails_is_an_error_and_not_no_gpu(
    shell: Shell, host: GpuHost
) -> None:
    gpus = found(shell, host.card().driver().smi(NO_DRIVER, code=9))
    assert gpus.error == NO_DRIVER
    assert gpus.driver == DRIVER


@EACH_SHELL
def test_memory_that_is_not_told_is_unknown(shell: Shell, host: GpuHost) -> None:
    [gpu] = found(shell, host.card().driver().smi(UNIFIED)).gpus
    assert (gpu.name, gpu.memory_mb, gpu.mig) == ("NVIDIA GB10", None, None)


@EACH_SHELL
def test_mig_devices_belong_to_their_gpu(shell: Shell, host: GpuHost) -> None:
    row = ROWS[H100].replace("Disabled", "Enabled")
    [gpu, other] = found(shell, host.card().smi(row, ROWS[H200], listed=MIG)).gpus
    assert (gpu.mig, other.mig) == (MIG_UUIDS, None)


@EACH_SHELL
def test_mig_without_devices_is_on_all_the_same(shell: Shell, host: GpuHost) -> None:
    row = ROWS[H100].replace("Disabled", "Enabled")
    listed = MIG.splitlines(keepends=True)[0]
    [gpu] = found(shell, host.card().smi(row, listed=listed)).gpus
    assert gpu.mig == ()


@EACH_SHELL
def test_an_engine_that_knows_no_cdi(shell: Shell, host: GpuHost) -> None:
    gpus = found(shell, host.card().driver().docker("20.10.24", dirs=""))
    assert gpus.docker and (gpus.docker.version, gpus.docker.cdi_dirs) == (
        "20.10.24",
        (),
    )


@EACH_SHELL
def test_cdi_files_of_other_devices_do_not_count(shell: Shell, host: GpuHost) -> None:
    host.card().cdi(CDI.replace("nvidia.com/gpu", "intel.com/gpu"))
    assert found(shell, host).cdi == ()


@EACH_SHELL
def test_a_cdi_file_as_json(shell: Shell, host: GpuHost) -> None:
    text = '{\n "kind": "nvidia.com/gpu",\n "devices": [\n  {\n   "name": "all"\n  }\n ]\n}'
    [file] = found(shell, host.card().cdi(text, at="/var/run/cdi/nvidia.json")).cdi
    assert (file.path, file.driver, file.names) == (
        "/var/run/cdi/nvidia.json",
        "",
        ("all",),
    )


@EACH_SHELL
def test_amd_has_its_devices_and_their_groups(shell: Shell, host: GpuHost) -> None:
    host.card("0000:c1:00.0", "1002:74a1", "120000", "amdgpu", "renderD128").kfd()
    gpus = found(shell, host)
    assert (gpus.kfd, gpus.groups) == (True, (str(os.getegid()),))
    assert (gpus.cards[0].node, gpus.cards[0].has_driver) == ("renderD128", True)


@EACH_SHELL
def test_other_makers_are_named(shell: Shell, host: GpuHost) -> None:
    host.card("0000:00:02.0", "8086:4680", "030000", "i915", "renderD128")
    host.card("0000:81:00.0", "19e5:d802", "120000", "devdrv_device_driver")
    names = [str(card) for card in found(shell, host).cards]
    assert names == [
        "Intel 8086:4680 at 0000:00:02.0",
        "Huawei Ascend 19e5:d802 at 0000:81:00.0",
    ]


@EACH_SHELL
def test_a_cdi_file_that_was_moved_aside_is_none(shell: Shell, host: GpuHost) -> None:
    host.card().cdi(at="/etc/cdi/nvidia.yaml.off")
    assert found(shell, host).cdi == ()


@EACH_SHELL
def test_a_card_that_a_virtual_machine_has_is_not_asked_for(
    shell: Shell, host: GpuHost
) -> None:
    gpus = found(shell, host.card(driver="vfio-pci").smi(NO_DRIVER, code=9))
    assert (len(gpus.cards), gpus.smi, gpus.error) == (1, "", "")


@EACH_SHELL
def test_an_nvidia_smi_on_a_host_with_no_gpu_is_not_asked(
    shell: Shell, host: GpuHost
) -> None:
    host.card("0000:00:03.0", "1af4:1041", "020000", driver="virtio-pci")
    host.smi(NO_DRIVER, code=9)
    os.link(host.root / "usr/bin/nvidia-smi", host.tools / "nvidia-smi")
    assert asked(shell, host).stdout == ""
    assert asked(shell, host, "seek_nvidia_smi; echo $gpu_smi").stdout == "\n"
    host.nvidiactl()
    seen = asked(shell, host, "seek_nvidia_smi; echo $gpu_smi").stdout
    assert seen == f"{host.tools}/nvidia-smi\n"


WARNING = "WARNING: infoROM is corrupted at gpu 0000:00:06.0"


@EACH_SHELL
@pytest.mark.parametrize("code", [0, 14])
def test_a_warning_beside_the_list_is_told_and_the_list_counts(
    shell: Shell, host: GpuHost, code: int
) -> None:
    host.card().driver().smi(ROWS[H100], ROWS[H200], WARNING, code=code)
    gpus = found(shell, host)
    assert [gpu.uuid for gpu in gpus.gpus] == [H100, H200]
    assert (gpus.note, gpus.error) == (WARNING, "")


@EACH_SHELL
def test_a_list_with_an_error_lacks_something(shell: Shell, host: GpuHost) -> None:
    lost = (
        "Unable to determine the device handle for GPU 0000:00:07.0: GPU is lost.",
        "Reboot the system to recover this GPU",
    )
    gpus = found(shell, host.card().driver().smi(ROWS[H100], *lost, code=15))
    assert [gpu.uuid for gpu in gpus.gpus] == [H100]
    assert gpus.error == " ".join(lost)


@EACH_SHELL
@pytest.mark.parametrize(
    ("code", "error"),
    [(0, "nvidia-smi lists none"), (9, "nvidia-smi ended with exit code 9")],
)
def test_an_nvidia_smi_that_says_nothing_is_an_error(
    shell: Shell, host: GpuHost, code: int, error: str
) -> None:
    assert found(shell, host.card().driver().smi(code=code)).error == error


@EACH_SHELL
def test_mig_devices_that_are_not_listed_are_unknown(
    shell: Shell, host: GpuHost
) -> None:
    host.card().driver().smi(ROWS[H100].replace("Disabled", "Enabled"))
    (host.root / "usr/bin/list").unlink()
    gpus = found(shell, host)
    assert gpus.gpus[0].mig == ()
    assert gpus.error == "nvidia-smi -L, which lists the MIG devices, did not answer"


@pytest.mark.slow
@EACH_SHELL
def test_one_that_hangs_is_ended_and_the_looks_of_a_script_share_the_time(
    shell: Shell, host: GpuHost
) -> None:
    words = host.card().driver().hanging_smi()
    script = f"(\n{FIND}\nfind_gpus\n) </dev/null\n"
    sh = Sh.of("", gpu_vendors=vendor_ids()).render()
    done = subprocess.run(
        shell,
        input=f"{sh}\n{script}{script}{script}",
        env={
            "PATH": str(host.tools),
            "PROVISION_GPU_ROOT": str(host.root),
            "PROVISION_GPU_WAIT_S": "2",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert lines.count("gpu.error=nvidia-smi did not answer within 2 s") == 3
    asked = words.read_text().splitlines()
    assert len(asked) == 3
    if "busybox" not in shell[0]:  # whose timeout is no parent of what it runs
        limits = [line.split()[3] for line in asked]
        assert limits[1:] == ["1", "1"] and limits[0] in {"1", "2"}
    running = subprocess.run(["ps", "ax"], capture_output=True, text=True, check=True)
    assert str(host.root) not in running.stdout


@pytest.mark.slow
@EACH_SHELL
def test_one_that_cannot_be_killed_holds_nobody_up(shell: Shell, host: GpuHost) -> None:
    """A descriptor that stays open, and is no child of timeout's, is like one that waits in the kernel."""
    host.card().driver().smi(ROWS[H100])
    program = host.root / "usr/bin/nvidia-smi"
    text = program.read_text()
    end = host.root / "end"
    text = text.replace("#!/bin/sh\n", f"#!/bin/sh\nhold & pid=$!; echo $pid >{end}\n")
    program.write_text(text.replace("hold", "setsid sleep 600"))
    try:
        sh = Sh.of("", gpu_vendors=vendor_ids()).render()
        done = subprocess.run(
            shell,
            input=f"(\n{sh}\n{FIND}\nfind_gpus\n) </dev/null\n",
            env={
                "PATH": f"{host.tools}:/usr/bin:/bin",
                "PROVISION_GPU_ROOT": str(host.root),
                "PROVISION_GPU_WAIT_S": "1",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.stdout.count(H100) == 1
    finally:
        os.kill(int(end.read_text()), signal.SIGKILL)
