"""Files and directories for real, in each shell."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from shells import EACH_SHELL, NOT_BUSYBOX, converge, me, run

from provision.errors import RefusedError
from provision.model.change import Change
from provision.model.step import Step
from provision.steps.files.absent.file_absent import FileAbsent
from provision.steps.files.file import LARGEST, Directory, File

Shell = tuple[str, ...]
ODD = ["it's", "$(touch canary)", "`touch canary`", '"', "\\", "a  b", "-rf", "é", "*"]
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))[2:]


def file(path: Path, content: str | SecretStr = "x\n", rights: str = "644") -> File:
    return File(path=str(path), content=content, mode=rights, **me())


def directory(path: Path, rights: str = "755") -> Directory:
    return Directory(path=str(path), mode=rights, **me())


@EACH_SHELL
@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_names(shell: Shell, name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    assert converge(shell, directory(folder))
    assert converge(shell, file(folder / name, "content"))
    assert converge(shell, directory(folder)) == []
    assert converge(shell, file(folder / name, "content")) == []
    assert (folder / name).read_text() == "content"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert [path.name for path in folder.iterdir()] == [name]


@EACH_SHELL
@EXAMPLES
@given(content=TEXT)
def test_any_text_arrives_as_it_is(
    shell: Shell, content: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "file"
    assert converge(shell, file(path, content))
    assert path.read_bytes() == content.encode()
    assert converge(shell, file(path, content)) == []


@EACH_SHELL
def test_the_largest_content_arrives(shell: Shell, tmp_path: Path) -> None:
    content = "'" * (LARGEST - 1) + "\n"
    converge(shell, file(tmp_path / "file", content))
    assert (tmp_path / "file").read_text() == content


@EACH_SHELL
@pytest.mark.parametrize(
    "step",
    [
        Directory(path="/PLACE/a/b", mode="2750", **me()),
        File(path="/PLACE/c", content="c", mode="400", **me()),
    ],
    ids=["directory", "file"],
)
def test_a_change_made_twice_does_no_harm(
    shell: Shell, step: Step, tmp_path: Path
) -> None:
    placed = step.model_copy(update={"path": f"{tmp_path}/thing"})
    sh = placed.apply(placed.plan({}))
    for _ in range(2):
        assert run(shell, sh, strict=True).exit == 0
    assert placed.plan(placed.observe(run(shell, placed.probe()))) == []


@EACH_SHELL
def test_special_bits_come_and_go(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "shared"
    converge(shell, directory(path, "2775"))
    assert mode(path) == "2775"
    [change] = converge(shell, directory(path, "755"))
    assert str(change) == "mode: 2775 -> 755"
    assert mode(path) == "755"


@EACH_SHELL
def test_a_file_with_another_mode_is_not_written_again(
    shell: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    converge(shell, file(path))
    before = path.stat()
    [change] = converge(shell, file(path, rights="4600"))
    assert str(change) == "mode: 644 -> 4600"
    assert (path.stat().st_ino, path.stat().st_mtime) == (
        before.st_ino,
        before.st_mtime,
    )


@EACH_SHELL
def test_a_link_that_is_put_in_its_place_is_not_followed(
    shell: Shell, tmp_path: Path
) -> None:
    """As its owner could do after it was looked at."""
    other, path = tmp_path / "other", tmp_path / "file"
    other.write_text("x")
    other.chmod(0o600)
    path.symlink_to(other)
    step = file(path, rights="4644")
    done = run(shell, step.apply([Change("mode", "600", "4644")]), strict=True)
    assert done.exit != 0
    assert "has become a link" in done.stderr
    assert other.stat().st_mode & 0o7777 == 0o600


@EACH_SHELL
def test_a_changed_file_is_replaced_in_one_piece(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "file"
    converge(shell, file(path, "old"))
    with path.open() as reader:
        converge(shell, file(path, "new"))
        assert reader.read() == "old"
    assert path.read_text() == "new"


@EACH_SHELL
def test_what_a_killed_run_left_is_replaced(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / ".file.new").write_text("half of it")
    converge(shell, file(tmp_path / "file", "all of it"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@EACH_SHELL
def test_a_link_put_where_the_new_file_is_made_is_not_followed(
    shell: Shell, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / ".file.new").symlink_to(victim)
    converge(shell, file(tmp_path / "file", "content"))
    assert victim.read_text() == "precious"


@EACH_SHELL
def test_a_failed_write_leaves_nothing(shell: Shell, tmp_path: Path) -> None:
    step = File(path=f"{tmp_path}/file", content="x", owner="no-such-user")
    done = run(shell, step.apply(step.plan({})), strict=True)
    assert done.exit != 0
    assert list(tmp_path.iterdir()) == []


@EACH_SHELL
def test_a_secret_shows_in_no_state_and_no_change(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "token"
    (old, new) = (SecretStr("hunter2"), SecretStr("hunter3"))
    converge(shell, file(path, old, "400"))
    step = file(path, new, "400")
    state = step.observe(run(shell, step.probe()))
    [change] = converge(shell, step)
    assert str(change) == "content: something else -> the secret"
    assert "sha256" not in f"{state} {step.desired()}"
    assert path.read_text() == "hunter3"


@EACH_SHELL
def test_a_missing_directory_is_named(shell: Shell, tmp_path: Path) -> None:
    step = file(tmp_path / "none" / "file")
    done = run(shell, step.apply(step.plan({})), strict=True)
    assert done.exit != 0
    assert f"there is no directory {tmp_path}/none/" in done.stderr
    assert "`directory` step" in step.advice(done.stderr)


@EACH_SHELL
def test_what_is_of_another_type_is_refused(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    wrong = {
        "symbolic link, not a file": file(tmp_path / "link"),
        "directory, not a file": file(tmp_path),
        "fifo, not a file": file(tmp_path / "pipe"),
        "symbolic link, not a directory": directory(tmp_path / "link"),
        "file, not a directory": directory(tmp_path / "file"),
    }
    for message, step in wrong.items():
        with pytest.raises(RefusedError, match=message):
            step.plan(step.observe(run(shell, step.probe())))


@EACH_SHELL
def test_a_link_to_a_directory_counts_as_it(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    converge(shell, directory(tmp_path / "link", "750"))
    assert mode(tmp_path / "real") == "750"
    assert (tmp_path / "link").is_symlink()


@EACH_SHELL
@needs_root
def test_a_number_without_a_name_is_an_owner(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "file"
    step = File(path=str(path), content="x", owner=54321, group="54322", mode="400")
    assert converge(shell, step)
    assert (path.stat().st_uid, path.stat().st_gid) == (54321, 54322)
    assert converge(shell, step) == []


@NOT_BUSYBOX
def test_files_and_trees_go_and_links_are_not_followed(
    shell: Shell, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    paths = [tmp_path / name for name in ("a b", "-rf", "$(touch x)", "link", "none")]
    (paths[0] / "deep").mkdir(parents=True)
    (paths[0] / "deep" / "link").symlink_to(kept)
    paths[1].touch()
    paths[2].touch()
    paths[3].symlink_to(kept)
    step = FileAbsent(paths=[str(path) for path in paths])
    assert [str(change) for change in converge(shell, step)] == [
        f"{paths[0]}: directory -> (absent)",
        f"{paths[1]}: regular empty file -> (absent)",
        f"{paths[2]}: regular empty file -> (absent)",
        f"{paths[3]}: symbolic link -> (absent)",
    ]
    assert converge(shell, step) == []
    assert run(shell, step.apply([]), strict=True).exit == 0
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (kept / "file").exists()


@NOT_BUSYBOX
@needs_root
@pytest.mark.parametrize("at", ["", "/inside", "/in side"])
def test_what_is_mounted_is_not_removed(shell: Shell, at: str, tmp_path: Path) -> None:
    tree, disk = tmp_path / "tr ee", tmp_path / "disk"
    disk.mkdir()
    (disk / "precious").touch()
    place = Path(f"{tree}{at}")
    place.mkdir(parents=True)
    mounted = subprocess.run(["mount", "--bind", disk, place], check=False)
    if mounted.returncode:
        pytest.skip("mount is not allowed here")
    try:
        step = FileAbsent(paths=[str(tree)])
        with pytest.raises(RefusedError, match="is mounted at"):
            step.plan(step.observe(run(shell, step.probe())))
    finally:
        subprocess.run(["umount", place], check=True)
    assert (disk / "precious").exists()
