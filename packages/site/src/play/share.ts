// A program in the fragment of an address: `#block-2=…`, compressed. A fragment is not sent to any
// server.

/**
 * The most bytes of a shared program. The editor takes seconds for more, and a short address may
 * have a very long program.
 */
const MOST = 50_000;

/** The fragment that has this program in that block. Rejects with an Error if it is too long. */
export async function fragmentOf(block: string, program: string): Promise<string> {
  const text = new TextEncoder().encode(program);
  if (text.length > MOST) throw new Error(`A program of at most ${thousands(MOST)} bytes can be shared.`);
  const bytes = await through(new CompressionStream("deflate-raw"), text, Infinity);
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return `#${block}=${btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/**
 * The program that a fragment has for that block; `undefined` if it has none. Rejects with an Error
 * that says what is wrong with it.
 */
export async function programOf(block: string, fragment: string): Promise<string | undefined> {
  const start = `#${block}=`;
  if (!fragment.startsWith(start)) return undefined;
  try {
    const binary = atob(fragment.slice(start.length).replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const text = await through(new DecompressionStream("deflate-raw"), bytes, MOST);
    return new TextDecoder("utf-8", { fatal: true }).decode(text);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new Error("The program in this address is damaged.", { cause: error });
  }
}

/** What a stream makes of these bytes. Rejects with a RangeError if that is more than `most`. */
async function through(
  stream: CompressionStream | DecompressionStream,
  bytes: Uint8Array<ArrayBuffer>,
  most: number,
): Promise<Uint8Array> {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value);
    length += next.value.length;
    if (length > most) {
      await reader.cancel();
      throw new RangeError(`The program in this address has more than ${thousands(most)} bytes.`);
    }
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function thousands(count: number): string {
  return count.toLocaleString("en");
}
