# Removes the client that was added to an engine of somebody else's.
#
# needs: lock_timeout_s
# uses: system/apt.sh

note=/etc/docker/provision.client
set -f
# shellcheck disable=SC2046 # each word is a package
set -- $(cat "$note")
if command -v apt-get >/dev/null; then
    apt_get purge "$@"
else
    dnf remove -y -q "$@" || yum remove -y -q "$@"
fi
rm -f "$note"
