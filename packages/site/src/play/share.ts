// A program in the fragment of an address: `#block-2=…`, compressed. A fragment is not sent to any
// server.

/** The fragment that has this program in that block. */
export async function fragmentOf(block: string, program: string): Promise<string> {
  const bytes = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(program));
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return `#${block}=${btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/**
 * The program that a fragment has for that block; `undefined` if it has none, or if it is damaged.
 */
export async function programOf(block: string, fragment: string): Promise<string | undefined> {
  const start = `#${block}=`;
  if (!fragment.startsWith(start)) return undefined;
  try {
    const binary = atob(fragment.slice(start.length).replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(
      await through(new DecompressionStream("deflate-raw"), bytes),
    );
  } catch {
    return undefined;
  }
}

async function through(
  stream: CompressionStream | DecompressionStream,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const answer = new Response(new Blob([bytes]).stream().pipeThrough(stream));
  return new Uint8Array(await answer.arrayBuffer());
}
