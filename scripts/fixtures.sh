#!/usr/bin/env bash
# Makes the workbooks in packages/sheets/src/test/fixtures/libreoffice/ from the sources beside them, with LibreOffice Calc
# (soffice on the PATH; made with 7.4). They are checked in, so no test needs LibreOffice. The expected cells (NAME.json) are
# written by hand, from the source: this script does not touch them. What is surprising in them: the folder's README.md.
set -euo pipefail
cd "$(dirname "$0")/../packages/sheets/src/test/fixtures/libreoffice"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

convert() { # FILE [OPTION…]
  local file=$1 name
  shift
  name=$(basename "${file%.*}")
  # A profile of its own: another LibreOffice that runs, or its settings, make no difference.
  soffice --headless "-env:UserInstallation=file://$work/profile" "$@" \
    --convert-to "xlsx:Calc MS Excel 2007 XML" --outdir "$work" "$file" >/dev/null
  mv "$work/$name.xlsx" "$name.xlsx"
  echo "$name.xlsx $(wc -c <"$name.xlsx") bytes"
}

for source in *.fods; do convert "$source"; done
# Comma, double quote, UTF-8, from line 1, and every column as text (format 2): what looks like a number stays what it is.
convert alphabets.csv "--infilter=Text - txt - csv (StarCalc):44,34,76,1,1/2/2/2/3/2"
