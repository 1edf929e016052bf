# Run by mmdebstrap after the packages of the host image are installed.
# $1: the root file system; $data: the lab's data files; $debs: where packages go;
# $repository: the apt source of the hosts; $offered: packages to have on offer there.
# $parts: where packages go that are only unpacked; $unpacked: which those are.
set -eu

# Packages that hosts can install later, and what they depend on, but not installed.
# shellcheck disable=SC2086 # each word is a package
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get install --yes --download-only \
    --no-install-recommends $offered
mkdir -p "$debs" # kept, since a running artifact server may have it mounted
rm -f "$debs"/*
mv "$1"/var/cache/apt/archives/*.deb "$debs"

mkdir -p "$parts"
rm -f "$parts"/*
(
    cd "$parts"
    # shellcheck disable=SC2086 # each word is a package
    APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -qq -o APT::Sandbox::User=root \
        download $unpacked
)

rm -f "$1"/etc/apt/sources.list.d/*
echo "deb [trusted=yes] $repository ./" >"$1/etc/apt/sources.list"

install -m 755 "$data/entrypoint.sh" "$1/usr/local/sbin/lab-init"

# A host's own key comes when the host is made: it must outlive a reset.
rm -f "$1"/etc/ssh/ssh_host_*
printf 'UseDNS no\nPasswordAuthentication no\nMaxStartups 100\nMaxSessions 50\n' \
    >"$1/etc/ssh/sshd_config.d/lab.conf"
chroot "$1" useradd --create-home --shell /bin/bash admin
install -d -o 1000 -g 1000 -m 700 "$1/home/admin/.ssh"
echo 'admin ALL=(ALL) NOPASSWD: ALL' >"$1/etc/sudoers.d/admin"
chmod 440 "$1/etc/sudoers.d/admin"

# Nothing to log in on, no hardware to set up, no kernel of its own.
for unit in getty.target systemd-udevd.service systemd-udev-trigger.service \
    systemd-modules-load.service systemd-sysctl.service systemd-remount-fs.service \
    sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
    dev-hugepages.mount dev-mqueue.mount proc-sys-fs-binfmt_misc.automount \
    systemd-firstboot.service systemd-timesyncd.service apt-daily.timer \
    apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer; do
    ln -sf /dev/null "$1/etc/systemd/system/$unit"
done
: >"$1/etc/machine-id"
