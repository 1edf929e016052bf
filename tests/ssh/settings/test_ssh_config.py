"""Settings in ssh_config and arguments of ssh are honoured, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import HostFor, Sshd, config, connects, refusal

from provision.config.inventory import Host
from provision.config.ssh import SshRequest, resolve
from provision.errors import ConnectError, InputError
from provision.transport.connect import check_ssh_settings
from provision.transport.ssh import SshTransport

BARE: dict[str, Any] = {
    "ansible_host": "node1",
    "ansible_port": None,
    "ansible_user": None,
    "ansible_ssh_private_key_file": None,
}


def block(sshd: Sshd) -> str:
    return (
        f"HostName 127.0.0.1\n  Port {sshd.port}\n  User root\n"
        f"  IdentityFile {sshd.key_file}\n"
    )


def test_an_included_file_says_where_the_host_is(
    sshd: Sshd, host_for: HostFor, home: Path
) -> None:
    config(home, "Include conf.d/*.conf\n")
    config(home, f"Host node1\n  {block(sshd)}", "conf.d/a.conf")
    assert connects(SshTransport(host_for(sshd, **BARE)))


def test_blocks_whose_words_paramiko_does_not_know_apply_only_where_they_match(
    sshd: Sshd, host_for: HostFor, home: Path
) -> None:
    config(
        home,
        'Match exec "false"\n  ProxyJump nowhere.invalid\n'
        'Match exec "true" host node1\n  User root\n'
        f"Match final host other\n  Port 1\nHost node1\n  {block(sshd)}",
    )
    assert connects(SshTransport(host_for(sshd, **BARE)))


@pytest.mark.parametrize(
    "first",
    [
        "Match host=node1\n  ServerAliveInterval 9\n",
        "Match final all\n  LogLevel QUIET\n",
    ],
)
def test_what_ssh_accepts_is_no_traceback(
    sshd: Sshd, host_for: HostFor, home: Path, first: str
) -> None:
    config(home, f"{first}Host node1\n  {block(sshd)}")
    assert connects(SshTransport(host_for(sshd, **BARE)))


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"Host a\n  Colour red\n", 2, "Bad configuration option: colour"),
        (b"Port abc\n", 1, "Bad port 'abc'"),
        (b"Match frobnicate x\n", 1, "Unsupported Match attribute"),
        (b"\xff\xfe\x00\x01\n", 1, "no argument after keyword"),
        (b'User "x\n', 1, "quotes"),
    ],
)
def test_what_ssh_refuses_is_refused_with_its_words_and_the_place(
    home: Path, content: bytes, line: int, words: str
) -> None:
    (home / ".ssh/config").write_bytes(content)
    with pytest.raises(InputError) as caught:
        resolve(SshRequest("a"))
    assert words in str(caught.value)
    assert f"{home}/.ssh/config:{line}: " in str(caught.value)


def test_every_mistake_of_a_file_is_shown_at_once(home: Path) -> None:
    config(home, "Colour red\nHost a\n  Taste sour\n")
    with pytest.raises(InputError) as caught:
        resolve(SshRequest("a"))
    assert "colour" in str(caught.value)
    assert "taste" in str(caught.value)


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_a_config_that_is_no_file_does_not_stop_the_program(
    home: Path, kind: str
) -> None:
    path = home / ".ssh/config"
    if kind == "folder":
        path.mkdir()
        assert resolve(SshRequest("a")).host == "a"
        return
    import os

    os.mkfifo(path)
    with pytest.raises(InputError, match="is not a regular file"):
        resolve(SshRequest("a"))


def test_a_config_that_others_may_write_is_refused_as_by_ssh(home: Path) -> None:
    config(home, "User x\n").chmod(0o666)
    with pytest.raises(InputError, match="Bad owner or permissions"):
        resolve(SshRequest("a"))


def test_a_file_that_includes_itself_is_refused(home: Path) -> None:
    config(home, "Include config\n")
    with pytest.raises(InputError, match="Too many recursive"):
        resolve(SshRequest("a"))


def test_a_changed_file_is_read_again(home: Path) -> None:
    config(home, "Include more\n")
    config(home, "User one\n", "more")
    assert resolve(SshRequest("a")).user == "one"
    config(home, "User second\n", "more")
    assert resolve(SshRequest("a")).user == "second"
    config(home, "Include mor*\n")
    config(home, "Port 3\n", "more2")
    assert resolve(SshRequest("a")).port == 3


def test_without_ssh_plain_blocks_and_includes_are_read(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config(home, "Include more\nHost a\n  User ops\n")
    config(home, "Host a\n  Port 23\n", "more")
    monkeypatch.setenv("PATH", "/nowhere")
    found = resolve(SshRequest("a"))
    assert (found.user, found.port) == ("ops", 23)


def test_without_ssh_what_only_ssh_can_answer_is_refused_with_its_place(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config(home, 'Host b\n  User x\nMatch exec "true"\n  User ops\n')
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError) as caught:
        resolve(SshRequest("a"))
    assert f"{home}/.ssh/config:3: " in str(caught.value)
    assert "openssh-client" in str(caught.value)


def test_a_path_with_a_space_is_one_path_in_the_answer_of_ssh(home: Path) -> None:
    config(home, 'Match final all\n  UserKnownHostsFile "~/a b" "~/c %h" ~/d\n')
    names = [str(one) for one in resolve(SshRequest("n")).user_known_hosts]
    assert names == [f"{home}/a b", f"{home}/c n", f"{home}/d"]


def test_arguments_of_the_inventory_say_what_ssh_config_may_say(
    sshd: Sshd, host_for: HostFor, home: Path
) -> None:
    arguments = (
        f"-C -o ControlMaster=auto -o ControlPersist=60s -qp{sshd.port} -l root "
        f"-i {sshd.key_file} -o HostName=127.0.0.1"
    )
    assert connects(SshTransport(host_for(sshd, **BARE, ansible_ssh_args=arguments)))


def test_a_file_of_the_arguments_is_read_in_place_of_the_usual_ones(
    sshd: Sshd, host_for: HostFor, home: Path, tmp_path: Path
) -> None:
    config(home, "Port 1\n")
    (tmp_path / "other").write_text(f"Host node1\n  {block(sshd)}")
    host = host_for(sshd, **BARE, ansible_ssh_common_args=f"-F {tmp_path}/other")
    assert connects(SshTransport(host))


def test_arguments_come_in_the_order_of_ansible(host_for: HostFor, sshd: Sshd) -> None:
    more = {"ansible_ssh_common_args": "-p 23", "ansible_ssh_extra_args": "-p 24"}
    host = host_for(sshd, **{**BARE, "ansible_port": 22}, **more)
    assert resolve(host.ssh_request).port == 22
    host = host_for(sshd, **BARE, **more)
    assert resolve(host.ssh_request).port == 23
    host = host_for(sshd, **{**BARE, "ansible_port": 22}, ansible_ssh_args="-p 25")
    assert resolve(host.ssh_request).port == 25


def test_values_that_ssh_refuses_are_shown_all_with_the_place_of_the_host(
    host_for: HostFor, sshd: Sshd
) -> None:
    arguments = "-o Port=abc -o AddressFamily=ipx"
    host = host_for(sshd, ansible_ssh_common_args=arguments)
    with pytest.raises(InputError) as caught:
        check_ssh_settings([host])
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("lab.yml:3: Port=abc: Bad port 'abc'")
    assert lines[1].startswith("lab.yml:3: AddressFamily=ipx: ")


def test_a_mistake_is_one_error_before_any_host_is_contacted(home: Path) -> None:
    config(home, "Colour red\n")
    hosts = [Host(name=f"n{n}") for n in range(40)]
    with pytest.raises(InputError) as caught:
        check_ssh_settings(hosts)
    assert str(caught.value).count("colour") == 1


def test_a_mistake_is_final_for_a_connection(
    sshd: Sshd, host_for: HostFor, home: Path
) -> None:
    config(home, "Colour red\n")
    error = refusal(SshTransport(host_for(sshd)))
    assert isinstance(error, ConnectError)
    assert error.final
    assert "config:1: Bad configuration option: colour" in error.message


def test_a_jump_host_has_its_own_blocks_and_its_own_jump(
    sshd: Sshd, host_for: HostFor, home: Path
) -> None:
    known = f"[127.0.0.1]:{sshd.port} {sshd.public('ed25519')}\n"
    (home / ".ssh/known_hosts").write_text(known)
    config(
        home,
        f"Host gate outer\n  {block(sshd)}Host gate\n  ProxyJump outer\n"
        f"Host node1\n  ProxyJump gate\n  HostName localhost\n",
    )
    host = host_for(
        sshd,
        **BARE | {"ansible_port": sshd.port, "ansible_user": "root"},
        ansible_private_key_file=str(sshd.key_file),
    )
    transport = SshTransport(host)
    transport.open()
    assert len(sshd.sessions()) >= 3
    transport.close()


@pytest.fixture
def answers(sshd: Sshd, host_for: HostFor, home: Path) -> Any:
    """Return a function that connects with more lines of ssh_config for the host."""

    def refused(more: str) -> ConnectError:
        config(home, f"Host node1\n  {block(sshd)}  {more}\n")
        return refusal(SshTransport(host_for(sshd, **BARE), timeout_s=5))

    return refused


def test_a_proxy_command_that_is_not_there_is_final_and_says_so(answers: Any) -> None:
    error = answers("ProxyCommand no-such-proxy --to %h:%p")
    assert error.final
    assert "the proxy command to 127.0.0.1:" in error.message
    assert any("no-such-proxy" in line for line in error.details)


def test_what_a_proxy_command_says_is_in_the_details(
    answers: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    error = answers("ProxyCommand sh -c 'echo the VPN is off >&2; exit 3'")
    assert not error.final
    assert "exit code 3" in error.message
    assert error.details == ("ProxyCommand said: the VPN is off",)
    assert capfd.readouterr().err == ""


def test_a_proxy_command_that_says_much_goes_on(
    sshd: Sshd, host_for: HostFor, home: Path
) -> None:
    python = (
        f"python3 -c 'import socket,sys,threading,os; s=socket.create_connection"
        f'(("127.0.0.1",{sshd.port})); os.write(2,b"x"*300000); '
        "threading.Thread(target=lambda:[os.write(1,d) for d in iter(lambda:s.recv(65536),"
        'b"")],daemon=True).start(); [s.sendall(d) for d in iter(lambda:os.read(0,65536),'
        'b"")]\''
    )
    config(home, f"Host node1\n  {block(sshd)}  ProxyCommand {python}\n")
    assert connects(SshTransport(host_for(sshd, **BARE)))


def test_the_chosen_cipher_is_used(sshd: Sshd, host_for: HostFor, home: Path) -> None:
    config(
        home, f"Host node1\n  {block(sshd)}  Ciphers aes256-ctr\n  MACs hmac-sha2-512\n"
    )
    transport = SshTransport(host_for(sshd, **BARE))
    transport.open()
    assert transport._connection
    below: Any = transport._connection.transport
    assert (below.remote_cipher, below.remote_mac) == ("aes256-ctr", "hmac-sha2-512")
    transport.close()


def test_a_cipher_that_we_lack_is_named(answers: Any) -> None:
    error = answers("Ciphers chacha20-poly1305@openssh.com")
    assert error.final
    assert "none of the ciphers" in error.message
    assert "aes256-ctr" in error.hint


@pytest.mark.parametrize(
    "option", ["ProxyUseFdpass yes", "BindInterface eth0", '"BindInterface" eth0']
)
def test_what_would_lead_elsewhere_is_refused_with_its_place(
    answers: Any, option: str
) -> None:
    error = answers(option)
    assert error.final
    assert f"config:6: '{option}' is not honoured" in error.message


def test_a_revoked_key_is_refused(
    sshd: Sshd, answers: Any, home: Path, tmp_path: Path
) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text(f"{sshd.public('ed25519')} lost\n{sshd.public('rsa')}\n")
    assert "is revoked" in answers(f"RevokedHostKeys {revoked}").message
    assert "cannot be read" in answers("RevokedHostKeys /nowhere").message
    revoked.write_bytes(b"SSHKRL\n\0")
    assert "binary list" in answers(f"RevokedHostKeys {revoked}").message


def test_connect_timeout_is_the_limit_of_connecting(
    host_for: HostFor, sshd: Sshd, home: Path
) -> None:
    import socket
    import time

    with socket.create_server(("127.0.0.1", 0)) as server:
        config(home, "ConnectTimeout 1\n")
        host = host_for(sshd, ansible_port=server.getsockname()[1])
        started = time.monotonic()
        assert "within 1 s" in refusal(SshTransport(host, timeout_s=30)).message
        assert time.monotonic() - started < 5


def test_the_family_of_the_address_is_honoured(answers: Any) -> None:
    assert "does not resolve" in answers("AddressFamily inet6").message
