// What is said when an address cannot be listened on.
import { SluiceError } from "../errors.ts";

/** The failure in our words (`cannot_listen`), if it is one of these. */
export function listenError(error: unknown, host: string, port: number): unknown {
  const code = (error as { code?: unknown }).code;
  const say = (text: string): SluiceError =>
    new SluiceError("cannot_listen", `cannot listen on ${host}:${port}: ${text}`, { cause: error });
  if (code === "EADDRINUSE") return say("another program listens there. Stop it, or choose another --port.");
  if (code === "EACCES") return say("ports below 1024 need rights that this user lacks. Choose another --port.");
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") return say("this machine has no such address. Check --host.");
  return error;
}
