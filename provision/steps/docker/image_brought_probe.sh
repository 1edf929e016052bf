# needs:
# uses: manifest/print_noted.sh, image_absent_probe.sh
