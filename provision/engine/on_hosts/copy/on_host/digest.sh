# Defines file_digest: prints the SHA-256 of a file. openssl(1) uses the processor's own
# instructions for it, which sha256sum(1) of many distributions does not.
#
# needs:
file_digest() {
    if command -v openssl >/dev/null; then
        openssl dgst -sha256 -r <"$1"
    else
        sha256sum <"$1"
    fi | cut -c -64
}
