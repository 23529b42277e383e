// Notes and messages of the service, for people who have no command line: the page has a control
// for what an option says.

/** An option of the command line, such as `--sheet`. */
const OPTION = /(?:^|[\s("])--[a-z]/;
/** The end of a message about a table that the server does not take rows for. */
const ASK = "ask whoever runs the server to allow this one.";
/** For people who run the server themselves: no control of the page can allow a table. */
const ALLOW = "If that is you, start it with --allow TABLE for each table that it may write to.";

/** A note without the parts that say which option decides, as a sentence. */
export function noteForPage(note: string): string {
  const outside = note.replaceAll(/\s*\([^()]*\)/g, (part) => (OPTION.test(part) ? "" : part));
  const parts = outside.split(/; (?!and )/).filter((part) => !OPTION.test(part));
  return sentence(parts.length === 0 ? note : parts.join("; "));
}

/**
 * A message without the sentences that say which option helps. If nothing would be left, it stays
 * as it is. Only the option that allows a table is named.
 */
export function messageForPage(message: string, file: string): string {
  const here = [`${file}, `, `${file}: `].find((start) => message.startsWith(start)) ?? "";
  const sentences = message.slice(here.length).split(/(?<=[.?!]) (?=[A-Z])/);
  const kept = sentences.filter((one) => !OPTION.test(one));
  const shown = sentence((kept.length === 0 ? sentences : kept).join(" "));
  return shown.endsWith(ASK) ? `${shown} ${ALLOW}` : shown;
}

/** Notes begin with a small letter on the command line, after `Note:`. */
function sentence(text: string): string {
  return text === "" ? "" : text[0]!.toUpperCase() + text.slice(1);
}
