// The likeness of a header and a column's name, from 0 to 1.
//
// Two things make names alike: the same words in another order or with small words between them
// (`Date of birth`, `birth_date`), and a slip of the pen (`Adress`, `address`). Letters that are
// doubled or not and a plural's s cost little, two neighbours that changed places cost half, any
// other letter costs one; the costs are measured against the longer name. So a short name must be
// right, and `country` is not `county`. The first letter must be the same, since a slip there is
// rare and `latitude` is not `altitude`; so must numbers: `Address 2` is never `address_1`.
import { normalizeName, toIdentifier } from "../schema/identifiers.ts";

/** Names that are less alike are never taken for each other. */
export const LIKENESS_BOUND = 0.88;
/** Two columns that are alike to a header by as much as this are both meant, or neither. */
export const LIKENESS_MARGIN = 0.05;

const SAME_WORDS = 0.95;
const SMALL_WORDS = new Set(["a", "an", "the", "of", "for", "in", "and", "der", "die", "das", "de", "du", "la", "le"]);
/**
 * Longer names do not differ by a slip of the pen, and the time grows with the square of the
 * length.
 */
const LONGEST = 64;
const DOUBLED = 0.3;
const SWAPPED = 0.5;

/** The likeness of two names: 1 if they differ by case, spaces and punctuation only. */
export function likeness(a: string, b: string): number {
  const [left, right] = [normalizeName(a), normalizeName(b)];
  if (left === "" || right === "") return 0;
  if (left === right) return 1;
  if (digits(left) !== digits(right)) return 0;
  if (words(a) === words(b)) return SAME_WORDS;
  if (left[0] !== right[0]) return 0;
  const longer = Math.max(left.length, right.length);
  if (longer > LONGEST) return 0;
  return Math.max(0, 1 - distance([...left], [...right]) / longer);
}

function digits(name: string): string {
  return name.replaceAll(/[^\p{N}]+/gu, " ").trim();
}

function words(name: string): string {
  const all = toIdentifier(name)
    .split("_")
    .filter((word) => !SMALL_WORDS.has(word));
  return all.sort().join(" ");
}

/** Optimal string alignment, with the costs above. */
function distance(a: readonly string[], b: readonly string[]): number {
  let before: number[] = [];
  let above: number[] = [0];
  for (const [j, letter] of b.entries()) above.push(above[j]! + oddLetter(b, j, letter));
  for (const [i, letter] of a.entries()) {
    const row: number[] = [above[0]! + oddLetter(a, i, letter)];
    for (const [j, other] of b.entries()) {
      let cost = Math.min(
        above[j]! + (letter === other ? 0 : 1),
        above[j + 1]! + oddLetter(a, i, letter),
        row[j]! + oddLetter(b, j, other),
      );
      if (i > 0 && j > 0 && letter === b[j - 1] && other === a[i - 1]) cost = Math.min(cost, before[j - 1]! + SWAPPED);
      row.push(cost);
    }
    before = above;
    above = row;
  }
  return above[b.length]!;
}

/** The cost of a letter that the other name does not have. */
function oddLetter(name: readonly string[], at: number, letter: string): number {
  return name[at - 1] === letter || (at === name.length - 1 && letter === "s") ? DOUBLED : 1;
}
