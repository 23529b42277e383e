# Reads workbooks with openpyxl, as hazard-readers.ts does with the readers of JavaScript. Exit code 3: openpyxl is not here.
import datetime
import json
import sys
import warnings

try:
    import openpyxl
except ImportError:
    sys.exit(3)
warnings.simplefilter("ignore")


def plain(cell):
    value = cell.value
    if isinstance(value, bool):
        return ["b", value]
    if isinstance(value, (int, float)):
        return ["n", value]
    if isinstance(value, datetime.datetime):
        return ["d", value.isoformat(timespec="milliseconds") + "Z"]
    if isinstance(value, datetime.date):
        return ["d", value.isoformat() + "T00:00:00Z"]
    if isinstance(value, datetime.time):
        return ["t", (value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6) / 86400]
    if isinstance(value, datetime.timedelta):
        return ["n", value.total_seconds() / 86400]
    return ["e" if cell.data_type == "e" else "s", str(value)]


for file in sys.argv[1:]:
    try:
        book = openpyxl.load_workbook(file, data_only=True)
        sheets = [
            {
                "name": sheet.title,
                "cells": {cell.coordinate: plain(cell) for cell in list(sheet._cells.values()) if cell.value not in (None, "")},
            }
            for sheet in book.worksheets
        ]
        print(json.dumps({"sheets": sheets}), flush=True)
    except Exception as error:
        print(json.dumps({"error": repr(error)[:200]}), flush=True)
