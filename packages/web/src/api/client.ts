// The service, as the page calls it. Every failure is a Problem, so that the page has one way to
// show it.
import { type Problem, parseAnswer, toProblem, unreachable } from "./problem.ts";
import type {
  About,
  Import,
  ImportList,
  Preview,
  Reject,
  RejectCell,
  RejectPage,
  Repaired,
  TableRows,
  TakingBack,
} from "./shapes.ts";

/** Fields of a form, in their order; a name may come more than once. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** A file that is sent, or the token of one that the service has. */
export type Source = { readonly file: File } | { readonly upload: string };

export interface Sending {
  readonly signal?: AbortSignal;
  /** Gets the part of the body that is sent, from 0 to 1. */
  readonly onSent?: (fraction: number) => void;
}

/**
 * Calls one service. It asks for the bearer token before each call, and tells when the service
 * wants another one.
 */
export class Client {
  /** Ends with a slash. */
  readonly base: string;
  readonly #token: () => string;
  readonly #refused: () => void;

  constructor(base: string, token: () => string, refused: () => void) {
    this.base = new URL("./", base).href;
    this.#token = token;
    this.#refused = refused;
  }

  preview(source: Source, fields: Fields, sending: Sending = {}): Promise<Preview> {
    return this.#form("preview", source, fields, sending);
  }

  begin(source: Source, fields: Fields, sending: Sending = {}): Promise<Import> {
    return this.#form("imports", source, fields, sending);
  }

  /** @param which all of them, or those that no worker of a fleet tries any more */
  list(which: "imports" | "dead-letters", query: string, cursor?: string): Promise<ImportList> {
    const asked = new URLSearchParams({ limit: "50", ...(query && { q: query }), ...(cursor && { cursor }) });
    return this.#json(`${which}?${asked.toString()}`);
  }

  import(id: string): Promise<Import> {
    return this.#json(at(id));
  }

  cancel(id: string): Promise<unknown> {
    return this.#json(at(id), { method: "DELETE" });
  }

  /** Deletes what the service knows of an import that does not run. */
  async forget(id: string): Promise<void> {
    await this.#checked(`${at(id, "/history")}?force=true`, { method: "DELETE" });
  }

  /** The rows that can be taken back. @throws Problem if they cannot */
  takingBack(id: string): Promise<TakingBack> {
    return this.#json(at(id, "/take-back"));
  }

  takeBack(id: string): Promise<Import> {
    return this.#json(at(id, "/take-back"), { method: "POST" });
  }

  resume(id: string): Promise<Import> {
    return this.#json(at(id, "/resume"), { method: "POST" });
  }

  rejects(id: string, offset: number, limit: number): Promise<RejectPage> {
    return this.#json(`${at(id, "/rejects")}?offset=${offset}&limit=${limit}`);
  }

  repair(
    id: string,
    rows: readonly { readonly row: number; readonly cells: readonly RejectCell[] }[],
  ): Promise<Repaired> {
    const body = JSON.stringify({ rows });
    return this.#json(at(id, "/rejects"), { method: "PATCH", body, headers: { "content-type": "application/json" } });
  }

  rows(id: string, limit: number): Promise<TableRows> {
    return this.#json(`${at(id, "/rows")}?limit=${limit}`);
  }

  about(): Promise<About> {
    return this.#json("about");
  }

  /** Whether the database answers, and what is wrong if it does not. */
  async health(): Promise<string | undefined> {
    const response = await this.#fetch("health");
    if (response.ok) return undefined;
    return toProblem(response.status, await response.text()).message;
  }

  /**
   * A file of rejected rows. It is fetched and not linked to, so that the token goes into the
   * header.
   */
  async rejectFile(id: string, kind: "csv" | "xlsx"): Promise<Blob> {
    const response = await this.#checked(at(id, `/rejects.${kind}`));
    return await response.blob();
  }

  /**
   * The events of an import as they come, from the one after `last`; undefined if that one was its
   * end.
   */
  async events(
    id: string,
    last: string | undefined,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array> | undefined> {
    const headers: Record<string, string> = { accept: "text/event-stream", ...(last && { "last-event-id": last }) };
    const response = await this.#checked(at(id, "/events"), { headers, signal });
    return response.status === 204 ? undefined : (response.body ?? undefined);
  }

  async #json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await this.#checked(path, init);
    if (response.status === 204) return undefined as T;
    return parseAnswer(response.status, await read(response)) as T;
  }

  async #checked(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await this.#fetch(path, init);
    if (response.ok) return response;
    throw this.#problem(response.status, await read(response));
  }

  async #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    try {
      return await fetch(this.base + path, { ...init, headers: { ...this.#authorization(), ...init.headers } });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw unreachable();
    }
  }

  /** Sends a form. XMLHttpRequest, because fetch does not tell how much of a body is sent. */
  #form<T>(path: string, source: Source, fields: Fields, { signal, onSent }: Sending): Promise<T> {
    const form = new FormData();
    for (const [name, value] of fields) form.append(name, value);
    // The file comes last: by then the service knows what to do with it.
    if ("file" in source) form.append("file", source.file, source.file.name);
    else form.append("upload", source.upload);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", this.base + path);
      for (const [name, value] of Object.entries(this.#authorization())) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded, total }) => onSent?.(total > 0 ? loaded / total : 0);
      request.onerror = () => reject(unreachable());
      request.onabort = () => reject(new DOMException("It was cancelled.", "AbortError"));
      request.onload = () => {
        const { status, responseText } = request;
        if (status >= 400 || status === 0) return reject(this.#problem(status, responseText));
        try {
          resolve(parseAnswer(status, responseText) as T);
        } catch (error) {
          reject(error);
        }
      };
      signal?.addEventListener("abort", () => request.abort(), { once: true });
      if (signal?.aborted) return reject(new DOMException("It was cancelled.", "AbortError"));
      request.send(form);
    });
  }

  #problem(status: number, body: string): Problem {
    if (status === 401) this.#refused();
    return toProblem(status, body);
  }

  #authorization(): Record<string, string> {
    const token = this.#token();
    return token === "" ? {} : { authorization: `Bearer ${token}` };
  }
}

/** The rows that are still rejected, in the order of the sheet. */
export function byRow(rejects: readonly Reject[]): Reject[] {
  return rejects.toSorted((a, b) => a.row - b.row);
}

function at(id: string, rest = ""): string {
  return `imports/${encodeURIComponent(id)}${rest}`;
}

/** A body that breaks off is a connection that broke off. */
async function read(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch {
    throw unreachable();
  }
}
