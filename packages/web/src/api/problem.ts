// A refusal of the service, or of the network, as the page shows it.

/**
 * A failure with what the service said of it. `code` is stable; `status` is 0 if no answer came.
 */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: string;
  /** Other members of the problem's body, such as the id of an earlier import. */
  readonly more: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, message: string, more: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.more = more;
  }

  /** No answer came, or a proxy answered for a server that is away: the same may work later. */
  get isAway(): boolean {
    return this.code === "unreachable" || AWAY.has(this.code);
  }
}

/** A proxy's answers have no code of the service's. */
const AWAY: ReadonlySet<string> = new Set(["status_502", "status_503", "status_504"]);

/** The problem for a call without an answer. */
export function unreachable(): Problem {
  return new Problem(
    0,
    "unreachable",
    "The server cannot be reached. Is it still running? Nothing is lost: the page asks for it until it is back.",
  );
}

/**
 * Reads the body of a refusal: a problem document, the older `{"error"}`, or something else
 * entirely.
 */
export function toProblem(status: number, body: string): Problem {
  const found = parse(body);
  const text = [found["detail"], found["error"], found["title"]].find((one) => typeof one === "string" && one !== "");
  const code = typeof found["code"] === "string" ? found["code"] : `status_${status}`;
  return new Problem(
    status,
    code,
    (text as string) ?? `The server answered with status ${status} and no explanation.`,
    found,
  );
}

/** Parses an answer that should be JSON. @throws Problem if it is not */
export function parseAnswer(status: number, body: string): object {
  const answer = parse(body);
  if (Object.keys(answer).length === 0)
    throw new Problem(status, "no_answer", `The server answered with status ${status} and no explanation.`);
  return answer;
}

function parse(body: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(body);
    return typeof found === "object" && found !== null && !Array.isArray(found)
      ? (found as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}
