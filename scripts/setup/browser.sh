#!/usr/bin/env bash
# Chromium, for the tests of the pages.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
have chromium || apt_install chromium fonts-dejavu-core
# Reads what it prints.
have pdftotext || apt_install poppler-utils
done_ "Chromium"
