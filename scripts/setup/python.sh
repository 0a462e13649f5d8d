#!/usr/bin/env bash
# Python's phonenumbers, in a folder of its own: the second opinion on the phone table.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

into=$TOOLS/phonenumbers-$PHONENUMBERS_VERSION
ready() { [ "$("$into/bin/python" -c 'import phonenumbers; print(phonenumbers.__version__)' 2>/dev/null)" = "$PHONENUMBERS_VERSION" ]; }
if ! ready; then
    python3 -c 'import ensurepip' 2>/dev/null || apt_install python3 python3-venv
    say "installing phonenumbers $PHONENUMBERS_VERSION from PyPI"
    rm -rf "$into"
    quietly "python3 -m venv" python3 -m venv "$into"
    quietly "pip install phonenumbers" "$into/bin/pip" install --disable-pip-version-check --no-deps "phonenumbers==$PHONENUMBERS_VERSION"
    ready || die "pip did not install a working phonenumbers" "Remove $into and start again."
fi
done_ "phonenumbers $PHONENUMBERS_VERSION (Python)"
