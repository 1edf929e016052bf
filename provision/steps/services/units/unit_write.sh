# needs:
# uses: files/file_write.sh, unit_reload.sh
