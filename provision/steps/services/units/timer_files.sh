# needs:
# Prints the digest of each file "$@" that is there.

print_file_digests() {
    for digest_of; do
        digest=$(sha256sum 2>/dev/null <"$digest_of") || continue
        printf 'file.%s=%s\n' "$digest_of" "${digest%% *}"
    done
}
