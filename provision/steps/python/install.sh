# Makes an environment beside those that are there, and switches the link to it.
#
# needs: folder, name, link, python, constraints, index, sums, "$@"
# uses: switch.sh

target=$folder/$name
wheels=$folder/.wheels-$name
install_packages() {
    if [ -n "$sums" ]; then
        printf '%s\n' "$sums" | (cd -- "$wheels" && sha256sum -c >/dev/null) || {
            rm -rf -- "$wheels" # so that the next run sends all of it again
            return 1
        }
        # The host's own configuration and environment are about an index.
        export PIP_CONFIG_FILE=/dev/null
        set -- --isolated --no-index --find-links "$wheels" "$@"
    elif [ -n "$index" ]; then
        set -- --index-url "$index" "$@"
    fi
    "$target/bin/python" -m pip install --quiet --no-input --disable-pip-version-check \
        --no-cache-dir -c "$target/constraints" "$@"
}

mkdir -p -- "$folder"
if [ ! -r "$target/.provision" ]; then
    command -v "$python" >/dev/null || {
        echo "there is no Python: $python is not on PATH" >&2
        exit 1
    }
    rm -rf -- "$target"
    "$python" -m venv "$target"
    printf '%s\n' "$constraints" >"$target/constraints"
    install_packages "$@"
    # Last: where there is a record, all is there.
    "$target/bin/python" -m pip list --format freeze --disable-pip-version-check \
        >"$target/.provision.new"
    mv -f -- "$target/.provision.new" "$target/.provision"
fi
rm -rf -- "$wheels"
# Environments that others are built on are no longer needed where it is current itself.
[ "$link" != current ] || rm -f -- "$folder/base"
switch_to "$name"
