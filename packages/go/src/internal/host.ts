// The parts of the host that more than one file needs. Those that Node, Deno and Bun have and
// browsers lack are optional.

interface Output {
  readonly _handle?: { setBlocking?: (on: boolean) => void };
  readonly writableLength?: number;
  readonly write: (text: string, written?: () => void) => unknown;
}
export interface Process {
  on?: (event: string, listener: (signal: string) => void) => unknown;
  off?: (event: string, listener: (signal: string) => void) => unknown;
  listenerCount?: (event: string) => number;
  hasUncaughtExceptionCaptureCallback?: () => boolean;
  emitWarning?: (message: string, options: { type: string; detail: string }) => void;
  getBuiltinModule?: (id: string) => unknown;
  nextTick?: (fn: () => void) => void;
  exit?: (code?: number) => never;
  exitCode?: number | string | null | undefined;
  env?: Readonly<Record<string, string | undefined>>;
  stdout?: Output;
  stderr?: Output;
}
interface Host {
  process?: Process;
  Deno?: unknown;
  Bun?: unknown;
  setImmediate?: (fn: () => void) => unknown;
  MessageChannel?: new () => {
    port1: { onmessage: () => void; ref?: () => void; unref?: () => void };
    port2: { postMessage: (message: undefined) => void };
  };
  reportError?: (error: unknown) => void;
  console: { error: (text: string) => void; warn: (text: string) => void };
}
export const host: Host = globalThis as unknown as Host;
