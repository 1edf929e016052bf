# Notes what is there of the things "$@", before they are changed.
#
# needs: "$@"
# uses: manifest/manifest.sh

[ -w "${manifest_dir%/*}" ] || exit 0
for thing; do
    case $thing in
    path:* | archive:*) note_path "${thing#*:}" ;;
    user:*) note_account "${thing#user:}" ;;
    member:*) note_member "${thing#member:}" ;;
    image:*) note_image "${thing#image:}" ;;
    esac
done
