# Comes before each script. Ends where this is not the shell that was started for it, or
# where the script is for root and this shell runs as somebody else.
#
# The kernel says who that is: an `id` on PATH may be the user's own, and a wrapper such
# as fakeroot only pretends. $2 is the user namespace that the login shell was in.
#
# needs: as_root

[ "${1-}" = provision ] || { echo @provision-other-shell; id -un; exit 97; }
if [ "$as_root" = true ]; then
    name='' uid='' effective=''
    {
        while read -r name uid effective others && [ "$name" != Uid: ]; do :; done </proc/self/status
        read -r namespace </proc/self/uid_map
    } 2>/dev/null || uid=$(PATH=/usr/bin:/bin id -u) effective=$uid namespace=${2-}
    [ "$uid $effective" = '0 0' ] || { printf '@provision-not-root %s\n' "$(id -un)"; exit 97; }
    [ "$namespace" = "${2-}" ] || { echo '@provision-not-root root of another user namespace'; exit 97; }
fi
set --
echo @provision-ready
echo @provision-ready >&2
