# needs: "$@"
# uses: path_info.sh

probe_paths "$@"
