// A typed cell as text: what goes into a column of text, and what a message says of a value.
//
// It is what a person reads in the cell, without the format's taste: `0.79519874`, `2024-01-02`,
// `08:00:00`, `2024-01-02 03:04:05`, `37:30:00`. Nothing is lost by it: the digits give the same
// number, and the time of a day is left out only if it is midnight.
import { CellType } from "@sluice/sheets";

/**
 * The digits that a number of a spreadsheet can have, and the longest whole number that is looked
 * at.
 */
const DOUBLE_DIGITS = 17;

/** A cell's text for people and for columns of text. @param text as the reader gives it */
export function cellText(text: string, type: number): string {
  if (type === CellType.number) return shortestNumber(text);
  return type === CellType.date ? dateText(text) : text;
}

/**
 * The shortest digits of the same number: `0.79519874000000002` is 0.79519874, `1E+05` is 100000.
 */
export function shortestNumber(text: string): string {
  if (/^-?(?:0|[1-9]\d{0,14})$/.test(text)) return text;
  // More digits than a spreadsheet's number has were written by a program that meant each of them.
  if (/^-?\d+$/.test(text) || digitsOf(text) > DOUBLE_DIGITS) return text;
  const value = Number(text);
  return Number.isFinite(value) ? String(value).toUpperCase() : text;
}

function digitsOf(text: string): number {
  return text
    .replace(/e.*$/i, "")
    .replace(/^[-0.]+/, "")
    .replaceAll(/\D/g, "").length;
}

/** `2024-01-02T00:00:00.000` is 2024-01-02; a time alone has the day 0 of its date system. */
function dateText(iso: string): string {
  const [, day = "", clock = "", fraction = ""] = /^(.*)T(\d\d:\d\d:\d\d)(?:\.(\d+))?$/.exec(iso) ?? [];
  if (day === "") return iso;
  const rest = /^0*$/.test(fraction) ? "" : `.${fraction}`;
  const midnight = clock === "00:00:00" && rest === "";
  if (/^1899-12-3[01]$/.test(day) || (day === "1904-01-01" && !midnight)) return clock + rest;
  return midnight ? day : `${day} ${clock}${rest}`;
}
