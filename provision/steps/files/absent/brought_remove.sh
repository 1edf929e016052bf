# needs: "$@"
# uses: manifest/manifest.sh

for path; do undo_path "$path" undo; done
