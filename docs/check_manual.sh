#!/bin/sh
# check_manual.sh GROFF PAGE: fails when groff has anything to say about the manual page.
said=$("$1" -man -Tutf8 -ww -z "$2" 2>&1) || exit 1
[ -z "$said" ] || { echo "$said" >&2; exit 1; }
