# Installs the toolkit, from NVIDIA's repository where no other has it, and writes the CDI file.
#
# needs: install, package, deb, rpm, key, fingerprint, cdi
# uses: key.sh, docker/engine/packages.sh

name=provision-nvidia-toolkit
fetch_key() {
    command -v curl >/dev/null || command -v wget >/dev/null ||
        install_packages curl ca-certificates
    work=$(mktemp -d)
    trap 'rm -rf -- "$work"' EXIT
    if command -v curl >/dev/null; then
        curl -fsSL --connect-timeout 15 --max-time 60 -o "$work/key" "$key"
    else
        wget -q -T 60 -O "$work/key" "$key"
    fi || { printf 'cannot get %s\n' "$key" >&2; exit 1; }
    dearmour "$work/key" "$work/ring"
    check_key "$work/ring" "$fingerprint"
}
# Writes standard input to the file $1, which everybody may read.
put() {
    note_path "$1"
    mkdir -p "${1%/*}"
    cat >"$1.new"
    chmod 644 "$1.new"
    mv -f -- "$1.new" "$1"
}
add_deb_repository() {
    ring=/etc/apt/keyrings/$name.gpg
    fetch_key
    put "$ring" <"$work/ring"
    # shellcheck disable=SC2016 # apt expands it
    printf 'deb [signed-by=%s] %s/$(ARCH) /\n' "$ring" "$deb" |
        put "/etc/apt/sources.list.d/$name.list"
    update_lists >&2
}
add_rpm_repository() {
    armoured=/etc/pki/rpm-gpg/$name
    fetch_key
    put "$armoured" <"$work/key"
    # What follows the dollar is expanded by dnf.
    printf '[%s]\nname=%s\nbaseurl=%s/$%s\nrepo_gpgcheck=1\ngpgcheck=0\ngpgkey=file://%s\n' \
        "$name" "$name" "$rpm" basearch "$armoured" | put "/etc/yum.repos.d/$name.repo"
}
install_toolkit() {
    if command -v apt-get >/dev/null; then
        lists_are_fresh || update_lists >&2
        [ -z "$deb" ] || offers "$package" || add_deb_repository
    else
        [ -z "$rpm" ] || offers "$package" || add_rpm_repository
    fi
    install_packages "$package"
}
write_cdi() {
    # From 1.18 on the toolkit's own service writes one.
    if [ "$cdi" = /etc/cdi/nvidia.yaml ] && "$install" && [ -s /var/run/cdi/nvidia.yaml ]; then
        return 0
    fi
    made=$(mktemp -d)
    nvidia-ctk cdi generate --output="$made/nvidia.yaml"
    put "$cdi" <"$made/nvidia.yaml"
    rm -rf -- "$made"
}
if "$install"; then install_toolkit; fi
[ -z "$cdi" ] || write_cdi
