# Prints that Ray was stopped on purpose on this host, and, on the head, which workers were.
#
# needs: stop_mark, notes_dir
# uses: ../steps/stop_mark/mark.sh, ../steps/stop_mark/notes.sh
print_stop_mark
print_stop_notes
