# needs: gpu_vendors, names, targets, ports, container, programs_dir, lock_timeout_s, asked, "$@"
# uses: system.sh, packages.sh, network.sh, ports.sh, gpu/find_gpus.sh
# Prints all that doctor wants to know of a host, `key=value`; "$@" are directories whose
# file systems matter. It changes nothing.

fact clock_asked "$asked"
fact clock_first "$(date +%s)"
print_system
print_addresses
set -f
# shellcheck disable=SC2086 # they are lists of words, none of which has a blank or a glob
{
    print_names $names
    print_connections $targets
}
set +f
print_proxies
print_packages
print_ports
if command -v docker >/dev/null; then
    fact docker_program "$(readlink -f "$(command -v docker)")"
    version=$(timeout 10 docker version -f '{{.Server.Version}}' 2>/dev/null) || version=
    fact docker_version "$version"
    fact docker_root "$(timeout 10 docker info -f '{{.DockerRootDir}}' 2>/dev/null | sed -n 1p)"
fi
for path; do print_disk "$path"; done
find_gpus
fact clock_last "$(date +%s)"
