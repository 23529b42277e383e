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

/** A row with all of its cells, from column A on. */
export interface MendedRow {
  readonly row: number;
  readonly cells: readonly RejectCell[];
}

export interface Sending {
  readonly signal?: AbortSignal;
  /** Gets the part of the body that is sent, from 0 to 1. */
  readonly onSent?: (fraction: number) => void;
}

/** The functions that hear of a client's calls. */
export interface Listener {
  /** The service wants another token than this one. */
  readonly onRefused: (token: string) => void;
  /** The server is away. */
  readonly onAway: () => void;
}

/** Calls one service. It asks for the bearer token before each call. */
export class Client {
  /** Ends with a slash. */
  readonly base: string;
  readonly #token: () => string;
  readonly #listener: Listener;

  constructor(base: string, token: () => string, listener: Listener) {
    this.base = new URL("./", base).href;
    this.#token = token;
    this.#listener = listener;
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

  repair(id: string, rows: readonly MendedRow[]): Promise<Repaired> {
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
    return parseAnswer(response.status, await this.#read(response)) as T;
  }

  async #checked(path: string, init: RequestInit = {}): Promise<Response> {
    const token = this.#token();
    const response = await this.#fetch(path, init, token);
    if (response.ok) return response;
    throw this.#problem(response.status, await this.#read(response), token);
  }

  async #fetch(path: string, init: RequestInit = {}, token = this.#token()): Promise<Response> {
    try {
      return await fetch(this.base + path, { ...init, headers: { ...authorization(token), ...init.headers } });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw this.#unreachable();
    }
  }

  /** A body that breaks off is a connection that broke off. */
  async #read(response: Response): Promise<string> {
    try {
      return await response.text();
    } catch {
      throw this.#unreachable();
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
      const token = this.#token();
      request.open("POST", this.base + path);
      for (const [name, value] of Object.entries(authorization(token))) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded, total }) => onSent?.(total > 0 ? loaded / total : 0);
      request.onerror = () => reject(this.#unreachable());
      request.onabort = () => reject(new DOMException("It was cancelled.", "AbortError"));
      request.onload = () => {
        const { status, responseText } = request;
        if (status >= 400 || status === 0) return reject(this.#problem(status, responseText, token));
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

  #problem(status: number, body: string, token: string): Problem {
    if (status === 401) this.#listener.onRefused(token);
    const problem = toProblem(status, body);
    if (problem.isAway) this.#listener.onAway();
    return problem;
  }

  #unreachable(): Problem {
    this.#listener.onAway();
    return unreachable();
  }
}

function authorization(token: string): Record<string, string> {
  return token === "" ? {} : { authorization: `Bearer ${token}` };
}

/** The rows that are still rejected, in the order of the sheet. */
export function byRow(rejects: readonly Reject[]): Reject[] {
  return rejects.toSorted((a, b) => a.row - b.row);
}

function at(id: string, rest = ""): string {
  return `imports/${encodeURIComponent(id)}${rest}`;
}
