#!/usr/bin/env bash
# Makes the workbooks in packages/sheets/src/test/fixtures/libreoffice/ from the sources beside this script, with LibreOffice
# Calc (soffice on the PATH; made with 7.4). The expected cells beside each workbook (NAME.json) are written by hand, from the
# source: this script does not touch them.
set -euo pipefail
cd "$(dirname "$0")"
out=../packages/sheets/src/test/fixtures/libreoffice
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

convert() { # FILE [OPTION…]
  local file=$1 name
  shift
  name=$(basename "${file%.*}")
  # A profile of its own: another LibreOffice that runs, or its settings, make no difference.
  soffice --headless "-env:UserInstallation=file://$work/profile" "$@" \
    --convert-to "xlsx:Calc MS Excel 2007 XML" --outdir "$work" "$file" >/dev/null
  mv "$work/$name.xlsx" "$out/$name.xlsx"
  echo "$name.xlsx $(stat -c %s "$out/$name.xlsx") bytes"
}

for source in fixtures/*.fods; do convert "$source"; done
# Comma, double quote, UTF-8, from line 1, and every column as text (format 2): what looks like a number stays what it is.
convert fixtures/alphabets.csv "--infilter=Text - txt - csv (StarCalc):44,34,76,1,1/2/2/2/3/2"
