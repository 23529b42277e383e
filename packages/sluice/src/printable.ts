// Text of others in a log or on a terminal. Characters that would begin a new line, steer the
// terminal, or turn the order of characters around are shown as escapes. The form is JSON's, so a
// line of JSON stays the same JSON.

// Controls (C0, DEL, C1), line and paragraph separators, and what overrides, embeds or isolates a
// direction.
const STEERING = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu;

/** The text in one line, whatever it holds. */
export function inOneLine(text: string): string {
  return text.replaceAll(STEERING, escaped);
}

/** The text in the lines that it has: line feeds and tabs stay. */
export function inLines(text: string): string {
  return text.replaceAll(STEERING, (character) =>
    character === "\n" || character === "\t" ? character : escaped(character),
  );
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
