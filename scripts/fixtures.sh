#!/usr/bin/env bash
# Makes the workbooks in packages/sheets/src/test/fixtures/libreoffice/ from the sources beside them, with LibreOffice Calc
# (soffice on the PATH; made with 7.4). They are checked in, so no test needs LibreOffice. The expected cells (NAME.json) are
# written by hand, from the source: this script does not touch them. What is surprising in them: the folder's README.md.
set -euo pipefail
cd "$(dirname "$0")/../packages/sheets/src/test/fixtures/libreoffice"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

convert() { # FILE FILTER [OPTION…]
  local file=$1 filter=$2 name
  shift 2
  name=$(basename "${file%.*}").${filter%%:*}
  # A profile of its own: another LibreOffice that runs, or its settings, make no difference.
  soffice --headless "-env:UserInstallation=file://$work/profile" "$@" \
    --convert-to "$filter" --outdir "$work" "$file" >/dev/null
  mv "$work/$name" "$name"
  echo "$name $(wc -c <"$name") bytes"
}

xlsx="xlsx:Calc MS Excel 2007 XML"
for source in *.fods; do
  convert "$source" "$xlsx"
  convert "$source" "xls:MS Excel 97"
  convert "$source" "ods:calc8"
done
# Comma, double quote, UTF-8, from line 1, and every column as text (format 2): what looks like a number stays what it is.
convert alphabets.csv "$xlsx" "--infilter=Text - txt - csv (StarCalc):44,34,76,1,1/2/2/2/3/2"
