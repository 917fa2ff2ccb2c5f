#!/usr/bin/env bash
# Copies what the programs and libraries below folder $1 need of the C library of this machine to folder $1, at the paths
# where the loader looks for it.
set -eu

root=$(cd "$1" && pwd -P)

# java loads this one before those that need it.
jvm=$(dirname "$(find "$root" -path '*/server/libjvm.so')")
needed=$(LD_LIBRARY_PATH=$jvm find "$root" -type f \( -name '*.so' -o -path '*/bin/*' -o -name jspawnhelper \) -exec ldd {} + 2>/dev/null)
missing=$(printf '%s\n' "$needed" | grep 'not found' | sort -u || true)
if [ -n "$missing" ]; then
    printf 'needed for the image and not on this machine:\n%s\n' "$missing" >&2
    exit 1
fi

# A line of ldd is 'name => path (address)', or 'path (address)' for the loader itself.
printf '%s\n' "$needed" | sed -n 's/^.*[[:space:]]\(\/[^ ]*\) (0x[0-9a-f]*)$/\1/p' | sort -u | while read -r library; do
    case $library in "$root"/*) continue ;; esac
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
    # A C library before 2.34 loads these by name when it looks for a host.
    case $library in
        */libc.so.6)
            for also in libnss_files.so.2 libnss_dns.so.2 libresolv.so.2; do
                if [ -e "$(dirname "$library")/$also" ]; then
                    cp -L "$(dirname "$library")/$also" "$root$(dirname "$library")/$also"
                fi
            done
            ;;
    esac
done
