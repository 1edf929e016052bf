# needs: "$@"
# uses: packages.sh

install_packages "$@"
