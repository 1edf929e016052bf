# Run by mmdebstrap after the packages of the Ray image are installed.
# $1: the root file system; $wheels: Ray's wheels and pip's; $requirement: what to install.
set -eu

cp -r "$wheels" "$1/wheels"
# Byte code is written here, once: the user ray could not keep it, and would compile
# Ray anew in every container. compileall fails for files that are only templates.
# shellcheck disable=SC2016
requirement=$requirement chroot "$1" sh -euc '
set -- /wheels/pip-*.whl
python3 "$1/pip" --isolated install --quiet --no-index \
    --find-links=/wheels --root-user-action=ignore --break-system-packages \
    --no-compile "$requirement"
rm -r /wheels
packages=/usr/local/lib/python3.11/dist-packages
rm -r "$packages/ray/jars"  # Ray for Java
python3 -m compileall -q -j0 -x "/rllib/" "$packages" >/dev/null || :
# As in the upstream image.
useradd --uid 1000 --gid 100 --create-home --shell /bin/bash ray
ln -s python3 /usr/bin/python
'
rm -rf "$1"/usr/share/doc/* "$1"/usr/share/man/* "$1"/usr/share/locale/* \
    "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*
