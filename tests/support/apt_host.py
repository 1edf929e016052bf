"""A host whose databases of packages and repository belong to a test; apt and dpkg are real."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

Shell = tuple[str, ...]
DATABASES = {
    "/var/lib/dpkg": ("info", "updates", "triggers", "alternatives"),
    "/var/lib/apt": ("lists/partial",),
    "/etc/apt": ("apt.conf.d", "preferences.d", "sources.list.d", "trusted.gpg.d"),
    "/var/cache/apt": ("archives/partial",),
}
IN_PLACE = """
for path in /var/lib/dpkg /var/lib/apt /etc/apt /var/cache/apt; do
    mount --bind "$0$path" "$path" || exit
done
exec "$@"
"""


def possible() -> bool:
    tools = ("unshare", "apt-get", "dpkg-deb")
    if not all(map(shutil.which, tools)):
        return False
    mount = ["unshare", "--mount", "mount", "--bind", "/etc/apt", "/etc/apt"]
    return not subprocess.run(mount, capture_output=True, check=False).returncode


class AptHost:
    """A host without packages, and a repository for it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for path, folders in DATABASES.items():
            for folder in folders:
                (root / path[1:] / folder).mkdir(parents=True)
        for name in ("status", "available"):
            (root / "var/lib/dpkg" / name).touch()
        self.repository = root / "repository"
        self.repository.mkdir()
        (self.repository / "Packages").touch()
        (root / "etc/apt/sources.list").write_text(
            f"deb [trusted=yes] file:{self.repository} ./\n"
        )
        # apt's own user cannot read a test's folders.
        (root / "etc/apt/apt.conf").write_text('APT::Sandbox::User "root";\n')

    def offer(
        self,
        name: str,
        version: str = "1.0",
        *,
        needs: str = "",
        conflicts: str = "",
        postinst: str = "",
        configuration: str = "",
    ) -> None:
        """Put a package into the repository; *configuration* is the path of such a file."""
        folder = self.root / "build" / f"{name}-{version}"
        control = folder / "DEBIAN/control"
        control.parent.mkdir(parents=True)
        about = (
            f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
            "Maintainer: nobody <nobody@example.org>\nDescription: a test\n"
        )
        about += f"Depends: {needs}\n" if needs else ""
        about += f"Conflicts: {conflicts}\n" if conflicts else ""
        control.write_text(about)
        if postinst:
            control.with_name("postinst").write_text(f"#!/bin/sh\n{postinst}\n")
            control.with_name("postinst").chmod(0o755)
        if configuration:
            control.with_name("conffiles").write_text(f"{configuration}\n")
            path = folder / configuration[1:]
            path.parent.mkdir(parents=True)
            path.write_text(f"as in {version}\n")
        deb = self.repository / f"{name}_{version}.deb"
        build = ["dpkg-deb", "--build", str(folder), str(deb)]
        subprocess.run(build, check=True, capture_output=True)
        digest = hashlib.sha256(deb.read_bytes()).hexdigest()
        with (self.repository / "Packages").open("a") as packages:
            packages.write(
                f"{about}Filename: ./{deb.name}\nSize: {deb.stat().st_size}\n"
                f"SHA256: {digest}\n\n"
            )

    def shell(self, shell: Shell) -> Shell:
        """A shell in which these databases are in the place of the machine's."""
        return ("unshare", "--mount", "sh", "-c", IN_PLACE, str(self.root), *shell)
