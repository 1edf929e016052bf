"""Text that ansible-vault encrypted is read, stays secret, and can be made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.config import inventory as inventories
from provision.config.playbook.bind import bind
from provision.config.playbook.load import load as load_playbook
from provision.config.yaml_source import parse
from provision.errors import InventoryError, SecretError
from provision.secrets import vault
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets

PASSWORD = "it is ☃ secret"
PLAIN = "hunter2\nline two ü"
BY_ANSIBLE = """\
$ANSIBLE_VAULT;1.1;AES256
63643634353436643162306565373163613134303764336262333537643832333333643433366637
3138333232343433626163373732396230616465333463360a346466383632366439646635343565
64393165393330376339333463346634326537373934393731393831323664656339636466623731
3639626333376563660a613031333563306435323362393632343236623730333432613933623336
35356139346235323264336532663163623266653035373233336534326239363936
"""
WITH_LABEL = """\
$ANSIBLE_VAULT;1.2;AES256;lab
30323738363237353738643938386164653562663066313838636264376639653466643564666563
6165396365396434316363366239353039653334373635370a366339313666363733396633336631
62396138306433306664303765383130666665393166353463383533343630316633323739383734
6335326436383961610a356536333031646336343333353264636237326234333961646237336638
65663931306635333033343831343365303536643764633761313065613061656366
"""
"""Of ansible-vault, ansible-core 2.19: `encrypt`, without and with --vault-id."""


KEY = PASSWORD.encode()


def credentials(password: str = PASSWORD) -> Credentials:
    return Credentials(vault_password=password, environment={})


def indented(text: str, by: int = 10) -> str:
    return "|\n" + "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


class TestFormat:
    @pytest.mark.parametrize("text", [BY_ANSIBLE, WITH_LABEL, f"\n{BY_ANSIBLE}\n"])
    def test_what_ansible_vault_made_is_read(self, text: str) -> None:
        assert vault.is_encrypted(text)
        assert vault.decrypt(text, KEY) == PLAIN

    @pytest.mark.parametrize("value", ["x", "a" * 15, "a" * 16, "é☃" * 4000, "\n"])
    def test_what_is_made_here_is_read_again(self, value: str) -> None:
        made = vault.encrypt(value, KEY)
        assert made != vault.encrypt(value, KEY), "a salt of its own"
        assert max(map(len, made.splitlines())) <= 80
        assert vault.decrypt(made, KEY) == value

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (BY_ANSIBLE.replace("1.1", "1.0"), "1.0;AES256', which is not known"),
            (BY_ANSIBLE.replace("AES256", "AES"), "AES', which is not known"),
            ("$ANSIBLE_VAULT;", "which is not known"),
            (BY_ANSIBLE[:200], "damaged"),
            (BY_ANSIBLE.replace("3", "x"), "damaged"),
            ("$ANSIBLE_VAULT;1.1;AES256", "damaged"),
            (BY_ANSIBLE[:-5] + "7\n", "damaged"),
            (BY_ANSIBLE[:-2] + "7\n", "another one, or it is damaged"),
        ],
    )
    def test_what_is_not_whole_is_refused(self, text: str, said: str) -> None:
        with pytest.raises(SecretError, match=said):
            vault.decrypt(text, KEY)

    def test_another_password_is_told(self) -> None:
        with pytest.raises(SecretError, match="the vault password is another one"):
            vault.decrypt(BY_ANSIBLE, b"other")


INVENTORY = f"""
all:
  vars:
    cluster: c
    ansible_become_password: !vault {indented(BY_ANSIBLE)}
    word: !vault {indented(BY_ANSIBLE)}
  hosts: {{a: }}
"""
BOOK = """
- play: p
  hosts: all
  vars: {own: !vault BLOCK}
  steps:
    - file: {path: /etc/one, content: "{{ word }}"}
    - file: {path: /etc/two, content: "user:{{ own }}"}
    - file:
        path: /etc/three
        content: !vault BLOCK
    - file: {path: /etc/four, content: "{{ file('is_encrypted') }}"}
"""


class TestWhereItMayStand:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "inv.yml").write_text(INVENTORY)
        book = BOOK.replace("{own: !vault BLOCK}", "\n    own: !vault BLOCK")
        book = book.replace("BLOCK", indented(BY_ANSIBLE, 12))
        (tmp_path / "book.yml").write_text(book)
        (tmp_path / "templates").mkdir()
        (tmp_path / "templates/is_encrypted").write_text(BY_ANSIBLE)
        return tmp_path

    def test_values_of_inventory_and_playbook_stay_secret(self, folder: Path) -> None:
        inventory = inventories.load(folder / "inv.yml", credentials())
        password = inventory.hosts["a"].become_password
        assert password is not None and password.get_secret_value() == PLAIN
        secrets = Secrets(folder, SecretMode.READ, Credentials())
        book = load_playbook(folder / "book.yml", credentials())
        bound = bind(book, inventory, secrets=secrets)
        steps = [step.step for step in bound.plays[0].steps["a"]]
        assert "hunter2" not in repr(steps) + repr(bound)
        contents = [step.apply(step.plan({})).params["content"] for step in steps]
        assert contents == [PLAIN, f"user:{PLAIN}", PLAIN, PLAIN]
        assert PLAIN in bound.secrets
        assert [step.desired()["content"] for step in steps] == ["the secret"] * 4

    def test_a_file_of_variables_may_be_encrypted_as_a_whole(
        self, folder: Path
    ) -> None:
        (folder / "group_vars").mkdir()
        text = "ansible_host: 10.0.0.9\nansible_port: 2222\ntoken: hunter3\nn: [x]\n"
        (folder / "group_vars/all.yml").write_text(vault.encrypt(text, KEY))
        host = inventories.load(folder / "inv.yml", credentials()).hosts["a"]
        assert (host.ssh_host, host.port) == ("10.0.0.9", 2222)
        assert host.vars["token"].get_secret_value() == "hunter3"
        assert host.vars["n"][0].get_secret_value() == "x"

    def test_what_cannot_be_decrypted_is_told_with_its_line(self, folder: Path) -> None:
        other = credentials("other")
        with pytest.raises(SecretError, match=r"inv\.yml:5: cannot be decrypted"):
            inventories.load(folder / "inv.yml", other)
        (folder / "group_vars").mkdir()
        (folder / "inv.yml").write_text("all: {hosts: {a: }}")
        (folder / "group_vars/all.yml").write_text(BY_ANSIBLE)
        with pytest.raises(SecretError, match=r"group_vars/all\.yml: cannot be"):
            inventories.load(folder / "inv.yml", other)

    @pytest.mark.parametrize("value", ["plain", "[a]", "{a: b}", "''"])
    def test_a_vault_that_is_none_is_refused(self, value: str) -> None:
        with pytest.raises(SecretError, match=r"f:1: the value of !vault is not enc"):
            parse(f"a: !vault {value}\n", InventoryError, file="f")
