// The engine's inspector, which takes profiles of processor and heap.

import type * as Inspector from "node:inspector/promises";
import { host } from "../internal/host.ts";

let session: Inspector.Session | undefined;

/** Asks the inspector. Rejects if the host has no inspector. */
export async function ask<T>(method: string, parameters?: object): Promise<T> {
  const inspector = host.process?.getBuiltinModule?.("node:inspector/promises") as typeof Inspector | undefined;
  if (inspector === undefined) throw new Error("pprof: expected a host with node:inspector, as Node.js is");
  if (session === undefined) {
    session = new inspector.Session();
    session.connect();
  }
  return (await (session.post as (method: string, parameters?: object) => Promise<unknown>).call(
    session,
    method,
    parameters,
  )) as T;
}

/** A function of the program, as the inspector names it. Lines count from 0. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}
