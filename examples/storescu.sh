#!/bin/sh
# Send the CT series of a disc with dcmtk's storescu instead of `fileset send`: fileset chooses the files, storescu sends.
#
#     sh storescu.sh DISC AET HOST PORT [KEY=VALUE...]
#
# DISC is a folder: storescu opens the files itself. The exit code is that of the failed step, else 0.
set -eu
if [ $# -lt 4 ]; then
    sed -n '2,6p' "$0" >&2
    exit 2
fi
disc=$1 title=$2 host=$3 port=$4
shift 4
[ $# -gt 0 ] || set -- Modality=CT
list=$(mktemp)
trap 'rm -f "$list"' EXIT
fileset list "$disc" --paths "$@" >"$list"
if [ ! -s "$list" ]; then
    echo "nothing on $disc matches $*" >&2
    exit 3
fi
# One association for all files. mktemp returns an absolute path, so that the list is found from the folder DISC, too.
cd "$disc"
tr '\n' '\0' <"$list" | xargs -0 storescu -aec "$title" "$host" "$port"
