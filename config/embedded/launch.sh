#!/bin/sh
# Finds a Python that is new enough and hands over to it: launch.sh dev|test|manage [arguments].
# POSIX sh only: this must be able to say what is missing on any machine.
here=$(CDPATH= cd -P -- "$(dirname -- "$0")" && pwd) || exit 1
root=$(CDPATH= cd -P -- "$here/../.." && pwd) || exit 1
unset PYTHONHOME

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# A finished .venv is the quickest and cannot be too old.
if [ -f "$root/.venv/.installed" ] && new_enough "$root/.venv/bin/python"; then
    exec "$root/.venv/bin/python" "$here" "$@"
fi
for candidate in python3 python3.13 python3.12 python3.11 python3.14 python; do
    if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
        exec "$candidate" "$here" "$@"
    fi
done

if command -v python3 >/dev/null 2>&1; then
    found="The newest one found here is $(python3 --version 2>&1)."
else
    found="None was found here."
fi
{
    echo "bin/$1: Python 3.11 or newer is needed. $found"
    echo "  Fix: Debian 12 and Ubuntu: sudo apt install python3 python3-venv · macOS: brew install python@3.12 ·"
    echo "       without root: https://docs.astral.sh/uv/ and then: uv python install 3.12 --default"
    echo "       Then run bin/$1 again: a python3.11, python3.12 or python3.13 on the PATH is found by itself."
} >&2
exit 1
