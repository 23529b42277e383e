/**
 * The rows of the sample: a made-up business directory for the guide's table, nine text columns.
 * Row `i` depends on the seed and on `i` alone, so a smaller sample is the beginning of a larger
 * one; the bad rows are then spoilt in their places.
 *
 * A good row has nine cells, a name, and an ASCII e-mail of the form x@y.tld that no other row has.
 * Some have no phone or no website: an empty cell, as in any directory.
 */
import { categories, places, type Place } from "./places.ts";
import { Random } from "./random.ts";

export interface BusinessOptions {
  /** Data rows in all, the bad ones included. */
  readonly rows: number;
  /** The number of bad ones. Default 0. */
  readonly bad?: number;
  /** Default 1. */
  readonly seed?: number;
}

/** A column of the sample. `values` lists everything it may hold, if that is a small set. */
export interface BusinessColumn {
  readonly title: string;
  /** The column's width in characters, as spreadsheet programs measure it. */
  readonly width: number;
  readonly values?: readonly string[];
}

export const businessColumns: readonly BusinessColumn[] = [
  { title: "Name", width: 40 },
  { title: "Category", width: 16, values: categories },
  { title: "Phone", width: 20 },
  { title: "Email", width: 40 },
  { title: "Address", width: 40 },
  { title: "City", width: 20, values: places.flatMap((place) => place.cities) },
  { title: "Country", width: 16, values: places.map((place) => place.country) },
  { title: "Website", width: 40 },
  { title: "Description", width: 80 },
];

/**
 * The rows, in file order, made one at a time. A row shorter than `businessColumns` is a bad one:
 * its last cells are missing.
 */
export function* businessRows(options: BusinessOptions): Generator<string[], void, undefined> {
  const { rows, bad = 0, seed = 1 } = options;
  if (!Number.isSafeInteger(rows) || rows < 0) throw new RangeError(`rows must be a whole number ≥ 0, got ${rows}`);
  if (!Number.isSafeInteger(bad) || bad < 0 || bad > rows)
    throw new RangeError(`bad must be a whole number from 0 to the number of rows (${rows}), got ${bad}`);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`seed must be a whole number ≥ 0, got ${seed}`);

  const random = new Random(seed);
  const spoil = new Random(seed, 1);
  let spoilt = 0;
  let nextBad = badRow(0, bad, rows, spoil);
  for (let i = 0; i < rows; i++) {
    const row = business(i, random);
    if (i === nextBad) {
      spoilRow(row, spoilt++, spoil);
      nextBad = badRow(spoilt, bad, rows, spoil);
    }
    yield row;
  }
}

/**
 * The row of bad row `k` of `bad`: somewhere in the k-th of `bad` equal stretches. −1 past the
 * last.
 */
function badRow(k: number, bad: number, rows: number, random: Random): number {
  if (k >= bad) return -1;
  const from = Math.floor((k * rows) / bad);
  const to = Math.floor(((k + 1) * rows) / bad);
  return from + random.below(to - from);
}

function business(i: number, r: Random): string[] {
  const place = r.pick(places);
  const kind = r.below(categories.length);
  const [family, ascii] = r.pick(place.families);
  // The row's number in the domain makes the e-mail, and with it the row, unlike any other.
  const domain = `${ascii}-${i + 1}.${place.letters}.example`;
  const phone = r.below(50) === 0 ? "" : place.phone(r);
  const address = place.address(r.pick(place.streets), r);
  return [
    place.name(place.trades[kind]!, r.pick(place.givens), family, r),
    categories[kind]!,
    phone,
    `${r.pick(mailboxes)}@${domain}`,
    address,
    r.pick(place.cities),
    place.country,
    r.below(16) === 0 ? "" : r.pick(sites) + domain + r.pick(paths),
    description(place, phone === "" ? domain : `${place.contact} ${phone}`, r),
  ];
}

/** One sentence, seldom two, then how to get in touch, and sometimes something hard. */
function description(place: Place, contact: string, r: Random): string {
  const list = place.sentences;
  const first = r.below(list.length);
  const more = r.below(10) === 0 ? ` ${list[(first + 1) % list.length]}` : "";
  const text = `${list[first]}${more} ${contact}.`;
  return r.below(8) === 0 ? text + r.pick(extras) : text;
}

const mailboxes = ["info", "contact", "hello", "office", "sales", "team", "mail", "a.smith+web", "o_shop"] as const;
const sites = ["https://www.", "https://", "http://www.", "https://shop."] as const;
const paths = ["", "", "", "", "/", "/", "/?lang=en&ref=dir", "/über-uns", "/%E5%BA%97/#top"] as const;

/**
 * Ends of descriptions that careless programs stumble over on the way into a file, a COPY stream or
 * a statement.
 */
const extras = [
  "\nMon–Fri 08:00–18:00\nSat 09:00–13:00",
  "\r\nTel./Fax on request",
  "\tTabs\tkept\tas\tthey\tare",
  ' "Simply the best," said "The Daily"',
  " It's the owner's mother's recipe.",
  String.raw` Files: \\server\new\table\north`,
  String.raw` \N`,
  " Fish & Chips <b>hot</b> &amp; cheap",
  " 🎉🥐 10 % off",
  " 👨‍👩‍👧‍👦 🏳️‍🌈 welcome",
  " =SUM(A1:A9)",
  " '); DROP TABLE businesses;--",
  ' {"open": true, "tags": ["a","b"]}',
  " 100 % | 50 ‰ ; a,b;c",
  " not an escape: _x0041_",
  "  two spaces, and one at the end ",
  " ]]> <!-- no comment -->",
  " NULL",
  " Z̷a̷l̷g̷o̷ e\u0301 vs \u00e9",
  " ‏עברית‏ and ไทย",
] as const;

/**
 * Makes a good row bad, in the kind whose turn it is: too few columns, no name, a malformed e-mail.
 */
function spoilRow(row: string[], turn: number, random: Random): void {
  switch (turn % 3) {
    case 0:
      row.length = 4 + random.below(5); // the e-mail stays, the description goes
      break;
    case 1:
      row[0] = "";
      break;
    default:
      row[3] = malformed[Math.floor(turn / 3) % malformed.length]!(row[3]!);
  }
}

const malformed: readonly ((email: string) => string)[] = [
  (email) => email.replace("@", ""),
  (email) => email.replace("@", "@@"),
  (email) => email.replace("@", " @ "),
  (email) => `${email}@mail.example`,
  (email) => email.replace("-", " "),
  (email) => email.replace("@", " at "),
];
