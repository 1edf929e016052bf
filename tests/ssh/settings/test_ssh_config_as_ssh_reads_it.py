"""The settings of a host are those of the real `ssh -G`, whatever the files have."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from provision.config.ssh import SshRequest, SshSettings, resolve
from provision.config.ssh.tokens import Tokens
from provision.errors import InputError

USER = pwd.getpwuid(os.getuid()).pw_name
NAMES = ("node1", "node2", "a.example", "NODE3", "10.0.0.7", "gpu-01")

some = st.sets(st.sampled_from(NAMES), min_size=1, max_size=2)
SLOW = settings(
    max_examples=int(os.environ.get("PROVISION_SSH_EXAMPLES", "50")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def real_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home that ssh takes, which it does not take from HOME."""
    monkeypatch.setenv("HOME", pwd.getpwuid(os.getuid()).pw_dir)


patterns = st.sampled_from(
    (
        "*",
        "node?",
        "node*",
        "!node2",
        "gpu-*",
        "a.example",
        "NODE3",
        "node3",
        "10.*",
        "?",
    )
)
quotes = st.sampled_from(("{}", '"{}"', "'{}'"))


def quoted(words: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda form, word: form.format(word), quotes, words)


values = st.one_of(
    st.builds("HostName {}".format, st.sampled_from(("127.0.0.1", "%h.lan", "node1"))),
    st.builds("Port {}".format, st.sampled_from(("22", "2201"))),
    st.builds("User {}".format, quoted(st.sampled_from(("root", "ops")))),
    st.builds("User={}".format, st.sampled_from(("one", "two"))),
    st.builds(
        "IdentityFile {}".format,
        quoted(
            st.sampled_from(("~/.ssh/k", "/k-%h-%r", "/%n/%p/%u/%d", "none", "/%%"))
        ),
    ),
    st.sampled_from(
        (
            'IdentityFile "~/my keys/id"',
            "IdentityFile ${HOME}/k",
            "CertificateFile ~/c-%h",
            'UserKnownHostsFile "~/a b" ~/c',
            "UserKnownHostsFile ~/kh-%h /dev/null",
            "UserKnownHostsFile none",
            'GlobalKnownHostsFile "/etc/g g" /etc/%h',
            "IdentityAgent none",
            "IdentityAgent ~/agent-%r",
            "IdentityAgent SSH_AUTH_SOCK",
            "IdentitiesOnly yes",
            "ProxyJump none",
            "ProxyJump ops@gate:23,inner",
            "ProxyJump ssh://gate:24",
            "ProxyCommand none",
            'ProxyCommand nc -X "a b" %h %p # %r %n %%',
            "proxycommand = nc %h %p",
            "ConnectTimeout 1m30s",
            "ConnectTimeout 5",
            "ConnectTimeout none",
            "AddressFamily inet6",
            "HostKeyAlias al # a comment",
            "HostKeyAlias al-%h",
            "PreferredAuthentications publickey,password",
            "PubkeyAuthentication no",
            "PasswordAuthentication no",
            "ChallengeResponseAuthentication no",
            "CanonicalizeHostname yes",
            "StrictHostKeyChecking no",
            "IgnoreUnknown Foo",
            "  ",
            "# HostName nowhere",
            "\tLogLevel DEBUG",
        )
    ),
)
criteria = st.one_of(
    st.builds(
        "{} {}".format,
        st.sampled_from(("host", "originalhost", "!host", "user", "localuser", "Host")),
        st.one_of(st.lists(patterns, min_size=1).map(",".join), st.just(f"{USER},ops")),
    ),
    st.sampled_from(
        (
            'exec "true"',
            'exec "test %h = node1"',
            "!exec false",
            "host=node1",
            "canonical",
            "tagged prod",
            "localnetwork 198.51.100.0/24",
        )
    ),
)
headers = st.one_of(
    st.builds("Host {}".format, st.lists(quoted(patterns), min_size=1).map(" ".join)),
    st.lists(criteria, min_size=1, max_size=3).map(
        lambda all_: f"Match {' '.join(all_)}"
    ),
    st.sampled_from(("Match all", "Match final all", "Host *", "host=node1")),
)
lines = st.one_of(values, values, values, headers, st.just("Include {folder}/more*"))
texts = st.lists(lines, max_size=14)
mistakes = st.sampled_from(
    (
        *("Port 0", "Port x", "Port 70000", "Port 22 23", "IdentitiesOnly maybe"),
        *("AddressFamily ipx", "Foo bar", 'User "x', "User", "Match", "Match x y"),
        *("ConnectTimeout soon", "Include ''", "Host", "Ciphers none-such", "=", '"'),
    )
)


def real(config: Path, name: str) -> dict[str, list[str]] | str:
    """Return the output of `ssh -G` by option, or its message when it refuses."""
    done = subprocess.run(
        ["ssh", "-G", "-F", str(config), "--", name],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )
    if done.returncode:
        return done.stderr
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        option, _, value = line.partition(" ")
        found.setdefault(option, []).append(value)
    return found


def resolved(config: Path, name: str) -> SshSettings | str:
    try:
        return resolve(SshRequest(name, file=str(config)))
    except InputError as error:
        return str(error)


def same(ours: SshSettings, theirs: dict[str, list[str]]) -> None:
    """Compare all that says how to reach the host."""
    user, host, port = (theirs[one][0] for one in ("user", "hostname", "port"))
    assert (ours.user, ours.host, str(ours.port)) == (user, host, port)
    jump = theirs.get("proxyjump", [""])[0].replace("none", "")
    alias = theirs.get("hostkeyalias", [""])[0]
    tokens = Tokens.of(ours.name, host, int(port), user, USER, jump=jump, alias=alias)
    named = [name for name in theirs.get("identityfile", ()) if name != "none"]
    if ours.default_keys:
        assert "~/.ssh/id_ed25519" in named
    else:
        wanted = tuple(Path(tokens.path(name)) for name in named)
        assert ours.identity_files == wanted
    known = " ".join(map(str, ours.user_known_hosts))
    assert known == theirs["userknownhostsfile"][0].replace("none", "")
    known = " ".join(map(str, ours.global_known_hosts))
    assert known == theirs["globalknownhostsfile"][0]
    assert ours.host_key_alias == alias
    command = theirs.get("proxycommand", [""])[0].replace("none", "")
    assert ours.proxy_command == tokens.command(command)
    assert jumps(ours.proxy_jump) == jumps(jump)
    same_ways(ours, theirs)


def same_ways(ours: SshSettings, theirs: dict[str, list[str]]) -> None:
    """Compare the ways to connect and to log in."""
    timeout = theirs.get("connecttimeout", ["none"])[0]
    assert ours.connect_timeout_s == (None if timeout == "none" else float(timeout))
    assert ours.address_family == theirs["addressfamily"][0]
    assert ours.identities_only == (theirs["identitiesonly"][0] == "yes")
    assert ours.pubkey_authentication == (theirs["pubkeyauthentication"][0] != "false")
    assert ours.password_authentication == (
        theirs["passwordauthentication"][0] == "yes"
    )
    keyboard = theirs["kbdinteractiveauthentication"][0] == "yes"
    assert ours.keyboard_interactive == keyboard
    agent = theirs.get("identityagent", [""])[0]
    if agent.startswith("/"):
        assert ours.identity_agent == agent
    methods = ",".join(ours.preferred_authentications)
    assert methods == theirs.get("preferredauthentications", [""])[0]


def jumps(text: str) -> list[str]:
    """The jump hosts without the scheme, which ssh leaves out."""
    return [one.removeprefix("ssh://") for one in text.split(",")]


def check(folder: Path, names: set[str], text: bytes, more: bytes = b"") -> None:
    (folder / "config").write_bytes(text)
    (folder / "more.conf").write_bytes(more)
    for name in names:
        theirs, ours = real(folder / "config", name), resolved(folder / "config", name)
        if isinstance(theirs, str):
            assert isinstance(ours, str), (theirs, ours)
        else:
            assert isinstance(ours, SshSettings), ours
            same(ours, theirs)


@SLOW
@given(some, texts, texts)
@example({"NODE3"}, ["HostName %h.Lan"], [])
@example({"NODE3"}, ["Match host node3", "Port 23", "Match user root", "User x"], [])
@example({"NODE3"}, ["Match originalhost node3", "Port 23"], [])
@example({"NODE3"}, ["Host node3", "Port 23"], [])
@example({"NODE3"}, ["Match final host node3*", "HostName %h.Lan"], [])
@example({"NODE3"}, ["HostName %h.lan", "Match host node3.lan", "Port 23"], [])
def test_any_files_mean_what_they_mean_to_ssh(
    tmp_path_factory: pytest.TempPathFactory,
    names: set[str],
    text: list[str],
    more: list[str],
) -> None:
    folder = tmp_path_factory.mktemp("any")
    written = "\n".join(text).replace("{folder}", str(folder)).encode()
    inner = "\n".join(more).replace("Include {folder}/more*", "").encode()
    check(folder, names, written, inner)


@SLOW
@given(some, texts, mistakes, texts)
def test_a_mistake_is_refused_where_ssh_refuses_it(
    tmp_path_factory: pytest.TempPathFactory,
    names: set[str],
    before: list[str],
    mistake: str,
    after: list[str],
) -> None:
    folder = tmp_path_factory.mktemp("mistake")
    written = "\n".join([*before, mistake, *after]).replace("{folder}", str(folder))
    check(folder, names, written.encode())


@SLOW
@given(st.binary(max_size=300))
@example(b"\xff\xfe\x00")
@example(b"Host node1\nUser \xff\n")
@example(b"Host node1\r\n  Port 2201\r\n")
@example(b"User a\x00b\nPort 3")
@example(b"Host \xc3\xa9*\nUser x")
@example(b'"User" root')
@example(b"User root # x\nPort 23#4")
@example(b"HostName a\\ b")
@example(b"\x0cPort 23\x0c")
def test_any_bytes_are_read_or_refused_as_ssh_does(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    check(tmp_path_factory.mktemp("bytes"), {"node1"}, content)
