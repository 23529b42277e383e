// The log of programs that run until they are told to stop.
import { pino } from "pino";

/** Takes a line. @param about the import that it is about, if there is one */
export type Log = (line: string, about?: { readonly import?: string }) => void;

/** Lines on standard error: for people, or JSON with the id of the import that each is about. */
export function logOf(format: "text" | "json"): Log {
  if (format === "text") return (line) => console.error(line);
  const logger = pino({ base: { pid: process.pid } }, pino.destination({ fd: 2, sync: true }));
  return (line, about = {}) => logger.info(about, line);
}
