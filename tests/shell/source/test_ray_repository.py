"""Sources of Ray in a git repository that the test makes: found, refused, and packed."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from support.python.git_repository import RayRepository, git

from provision.errors import RefusedError
from provision.ray.steps.source.archive import archive
from provision.ray.steps.source.git import git as git_of_provision
from provision.ray.steps.source.repository import Repository
from provision.ray.steps.source.source import RaySourceFound, commit_in

NO_COMMIT = "0123456789" * 4


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def made(tmp_path: Path) -> RayRepository:
    return RayRepository(tmp_path / "ray")


def refusal(url: str, ref: str, version: str = "1.0") -> str:
    step = RaySourceFound(url=url, ref=ref, ray_version=version, run="r1")
    with pytest.raises(RefusedError) as refused:
        step.plan({})
    return str(refused.value)


def test_a_branch_tag_or_commit_is_a_commit(made: RayRepository) -> None:
    first = made.commit({"python/ray/a.py": "A = 1\n"})
    git(made.folder, "tag", "plain")
    git(made.folder, "tag", "-a", "-m", "with a message", "ray-1.0")
    git(made.folder, "checkout", "-q", "-b", "releases/1.0")
    second = made.commit({"python/ray/a.py": "A = 2\n"})
    repository = Repository(made.url)
    assert repository.commit_of("plain", "r") == first
    assert repository.commit_of("ray-1.0", "r") == first  # and not the tag's own object
    assert repository.commit_of("main", "r") == first
    assert repository.commit_of("releases/1.0", "r") == second
    assert repository.commit_of("HEAD", "r") == second
    for commit in (first, second):
        assert repository.commit_of(commit, "r") == commit
        assert repository.version(commit) == "1.0"
    RaySourceFound(url=made.url, ref="plain", ray_version="1.0").plan({})


def test_a_branch_is_one_commit_in_a_run_and_the_next_run_looks_again(
    made: RayRepository,
) -> None:
    first = made.commit({})
    repository = Repository(made.url)
    assert repository.commit_of("main", "r1") == first
    second = made.commit({"python/ray/a.py": "A = 2\n"})
    assert repository.commit_of("main", "r1") == first
    assert repository.commit_of("main", "r2") == second


def test_a_commit_with_all_digits_that_is_here_needs_no_network(
    made: RayRepository, tmp_path: Path
) -> None:
    commit = made.commit({})
    assert Repository(made.url).version(commit) == "1.0"
    made.folder.rename(tmp_path / "gone")
    assert Repository(made.url).version(commit) == "1.0"
    assert archive(Repository(made.url), commit).exists()


def test_a_ref_that_is_not_there_is_refused_with_those_that_are_like_it(
    made: RayRepository,
) -> None:
    made.commit({})
    git(made.folder, "branch", "releases/2.60.0")
    refused = refusal(made.url, "releases/2.60")
    assert "has no tag or branch releases/2.60;" in refused
    assert "there is releases/2.60.0" in refused
    # The end of a name, or the beginning of a commit, is no name.
    assert "no tag or branch 2.60.0" in refusal(made.url, "2.60.0")
    short = git(made.folder, "rev-parse", "--short", "HEAD")
    assert "all its 40 digits" in refusal(made.url, short)


def test_a_commit_that_is_not_there_is_refused(made: RayRepository) -> None:
    made.commit({})
    refused = refusal(made.url, NO_COMMIT)
    assert f"has no commit {NO_COMMIT} that can be fetched" in refused
    assert "push it to a branch" in refused


@pytest.mark.parametrize("ref", ["main", NO_COMMIT])
def test_a_repository_that_cannot_be_reached_is_refused_without_its_login(
    closed_port: int, ref: str
) -> None:
    url = f"http://me:verysecret@127.0.0.1:{closed_port}/ray.git"
    refused = refusal(url, ref)
    assert f"http://127.0.0.1:{closed_port}/ray.git cannot be reached" in refused
    assert "verysecret" not in refused
    assert "cannot be reached" in refusal("/no/such/folder", ref)


def test_another_version_than_the_wheels_is_refused_with_both(
    made: RayRepository,
) -> None:
    commit = made.commit({}, "2.61.0")
    refused = refusal(made.url, "main", "2.60.0")
    assert f"the sources at main ({commit[:10]})" in refused
    assert "are of Ray 2.61.0" in refused
    assert "is of 2.60.0" in refused
    assert "the tag ray-2.60.0" in refused


def test_a_version_where_older_rays_had_it(made: RayRepository) -> None:
    commit = made.commit({"python/ray/__init__.py": '__version__ = "2.4.0"\n'}, "")
    assert Repository(made.url).version(commit) == "2.4.0"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"README": "hello\n"}, "has no folder python/ray at"),
        ({"python/ray": "a file\n"}, "has no folder python/ray at"),
        ({"python/ray/a.py": "A = 1\n"}, "does not say at"),
    ],
)
def test_a_repository_of_something_else_is_refused(
    made: RayRepository, files: dict[str, str], words: str
) -> None:
    made.commit(files, "")
    assert words in refusal(made.url, "main")


def test_no_git_is_refused(
    made: RayRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    refused = refusal(made.url, "main")
    assert "there is no git on this machine" in refused
    assert "install the package git" in refused


@pytest.mark.parametrize(
    "url", ["--upload-pack=touch /tmp/x", "-x", "ext::sh -c true", ""]
)
def test_a_url_that_is_an_option_or_a_program_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        RaySourceFound(url=url, ref="main", ray_version="1.0")


@pytest.mark.parametrize("ref", ["-x", "a b", "a..b~1", "", "v1:python"])
def test_a_ref_that_is_no_name_is_refused(ref: str) -> None:
    with pytest.raises(ValueError, match="ref"):
        RaySourceFound(url="/srv/ray.git", ref=ref, ray_version="1.0")


def test_the_archive_has_the_sources_and_what_links_mean(made: RayRepository) -> None:
    (made.folder / "python/ray").mkdir(parents=True)
    (made.folder / "python/ray/rllib").symlink_to("../../rllib")
    (made.folder / "python/ray/outside").symlink_to("/etc")
    (made.folder / "python/ray/above").symlink_to("../../../..")
    commit = made.commit(
        {
            "rllib/env/base.py": "ENV = 1\n",
            "python/ray/a.py": "A = 1\n",
            "python/ray/dashboard/client/src/App.tsx": "pages\n",
            "src/ray/core.cc": "int x;\n",
        }
    )
    path = archive(Repository(made.url), commit)
    with tarfile.open(path) as tar:
        assert sorted(tar.getnames()) == [
            "ray/_version.py",
            "ray/a.py",
            "ray/rllib/env/base.py",
        ]
        version = tar.extractfile("ray/_version.py")
        assert version
        assert f'commit = "{commit}"' in version.read().decode()
    before = path.stat().st_mtime_ns
    assert archive(Repository(made.url), commit).stat().st_mtime_ns == before


def test_the_name_of_an_environment_says_its_commit() -> None:
    assert commit_in("/opt/ray/2.60.0-bdf81b5e-9003ee4656") == "9003ee4656"
    assert commit_in("/opt/ray/2.60.0-bdf81b5e") == ""
    assert commit_in("") == ""


def test_the_repository_of_a_hook_that_calls_us_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    git_of_provision("init", "--quiet", "--bare", str(theirs))
    monkeypatch.setenv("GIT_DIR", str(theirs))
    ours = tmp_path / "ours"
    git_of_provision("init", "--quiet", "--bare", str(ours))
    found = git_of_provision("rev-parse", "--absolute-git-dir", folder=ours)
    assert Path(found.decode().strip()) == ours
