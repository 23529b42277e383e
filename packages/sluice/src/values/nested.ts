// Values inside values: arrays, ranges and composites, as PostgreSQL writes them in text. Their
// elements obey the rules of their types, which the database would round, cut or reinterpret
// without a word. The text itself is loaded unchanged.
import { type Storage } from "../schema/schema.ts";
import type { Check, Problem } from "./verdict.ts";

/**
 * Finds the problem of an element, if it has one. If the judge is undefined, its elements cannot
 * have one.
 */
type Judge = (text: string) => Problem | undefined;

/** A piece of a literal between two of its separators; quotes and backslashes are taken off. */
interface Piece {
  readonly text: string;
  readonly quoted: boolean;
}

/**
 * The check of a type that is made of others; undefined if none of them needs one. A text that is
 * not such a literal is left to the database, which refuses it.
 *
 * @param elementOf the judge of a scalar type
 */
export function nestedCheck(
  storage: Exclude<Storage, string>,
  elementOf: (type: string) => Judge | undefined,
): Check | undefined {
  const judge = judgeOf(storage, elementOf);
  return judge && ((bytes, start, end) => judge(bytes.toString("utf8", start, end)));
}

function judgeOf(storage: Storage, elementOf: (type: string) => Judge | undefined): Judge | undefined {
  if (typeof storage === "string") return elementOf(storage);
  if ("row" in storage) {
    const judges = storage.row.map((part) => judgeOf(part, elementOf));
    if (judges.every((judge) => judge === undefined)) return undefined;
    return (text) =>
      first(pieces(text, "(", ")"), (piece, n) =>
        piece.text === "" && !piece.quoted ? undefined : judges[n]?.(piece.text),
      );
  }
  // A multirange is no more than the bounds of its ranges.
  if ("multirange" in storage) return judgeOf(storage.multirange, elementOf);
  const judge = judgeOf("array" in storage ? storage.array : storage.range, elementOf);
  if (!judge) return undefined;
  if ("array" in storage) {
    return (text) =>
      first(pieces(text.replace(/^[^{"]*=/, ""), "{", "}"), ({ text: element, quoted }) =>
        !quoted && /^(?:null)?$/i.test(element.trim()) ? undefined : judge(quoted ? element : element.trim()),
      );
  }
  // A bound that is missing is infinite.
  return (text) =>
    first(pieces(text, "{[(", "])}"), ({ text: bound, quoted }) =>
      !quoted && /^(?:\s*|\s*empty\s*)$/i.test(bound) ? undefined : judge(bound),
    );
}

function first(found: Iterable<Piece>, judge: (piece: Piece, n: number) => Problem | undefined): Problem | undefined {
  let n = 0;
  for (const piece of found) {
    const problem = judge(piece, n++);
    if (problem) return { ...problem, reason: `in ${JSON.stringify(piece.text)}: ${problem.reason}` };
  }
  return undefined;
}

/**
 * The pieces between commas and brackets that are not quoted; the brackets of an array in an array
 * begin a piece, too.
 */
function* pieces(literal: string, open: string, close: string): Generator<Piece, void, undefined> {
  let text = "";
  let quoted = false;
  let inQuotes = false;
  // Nothing follows a closing bracket.
  let ended = false;
  const body = literal.trim().slice(1);
  for (let i = 0; i < body.length; i++) {
    const character = body[i]!;
    if (character === "\\") text += body[++i] ?? "";
    else if (character === '"') {
      if (inQuotes && body[i + 1] === '"') text += body[++i]!;
      else [inQuotes, quoted] = [!inQuotes, true];
    } else if (inQuotes) text += character;
    else if (character === "," || close.includes(character)) {
      if (!ended) yield { text, quoted };
      [text, quoted] = ["", false];
      ended = character !== ",";
    } else if (open.includes(character)) [text, quoted] = ["", false];
    else text += character;
  }
}
