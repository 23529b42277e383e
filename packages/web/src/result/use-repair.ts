// The rejected rows of an import, what was changed in them, and the way back into the table.
import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../api/problem.ts";
import type { Import, Reject } from "../api/shapes.ts";
import { edit, forget, NO_EDITS, type, type Change, type Edits, type Place } from "../state/edits.ts";
import { asProblem } from "../state/job.ts";
import type { Store } from "../state/store.ts";
import { useStore } from "../ui/context.ts";
import { toRows, toSend, type RejectRow } from "./reject-rows.ts";

export interface RepairState {
  /** Undefined until they are loaded. */
  readonly rejects: readonly Reject[] | undefined;
  readonly headers: readonly string[];
  readonly rows: readonly RejectRow[];
  readonly edits: Edits;
  readonly setEdits: (step: (edits: Edits) => Edits) => void;
  /** Changes cells, as one step to undo. */
  readonly change: (changes: readonly Change[]) => void;
  /** Changes a cell while somebody types in it. */
  readonly type: (change: Change) => void;
  /** Imports the changed rows. */
  readonly send: () => Promise<void>;
  /** The part of the rows that has been sent; undefined if none are on their way. */
  readonly sent: number | undefined;
  readonly problem: Problem | undefined;
  /** What the last sending came to, in words. */
  readonly outcome: string;
}

const PAGE = 500;
/** The number of rejected rows that can be repaired here at a time; a file holds all of them. */
const MOST_ROWS = 5000;
/** The number of rows that are sent at a time. */
const SENT_ROWS = 500;

export function useRepair(one: Import, onRepaired: () => Promise<void>): RepairState {
  const store = useStore();
  const [rejects, setRejects] = useState<readonly Reject[] | undefined>(undefined);
  const [headers, setHeaders] = useState<readonly string[]>([]);
  const [edits, setEdits] = useState(NO_EDITS);
  const [sent, setSent] = useState<number | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [outcome, setOutcome] = useState("");
  const load = async (): Promise<void> => {
    try {
      const all = await loadRejects(store, one.id);
      setHeaders(all.headers);
      setRejects(all.rejects);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  useEffect(() => void load(), [one.id]);

  const rows = toRows(rejects ?? [], headers);
  const byNumber = new Map(rows.map((row) => [row.row, row]));
  const before = ({ row, column }: Place): string => byNumber.get(row)?.cells[column] ?? "";
  const send = async (): Promise<void> => {
    setProblem(undefined);
    setSent(0);
    const counts = { inserted: 0, refused: 0 };
    try {
      await sendRows(store, one.id, toSend(rows, edits.now), counts, (numbers, fraction) => {
        setEdits((edits) => forget(edits, numbers));
        setSent(fraction);
      });
    } catch (error) {
      setProblem(asProblem(error));
    }
    setSent(undefined);
    const said = outcomeOf(counts.inserted, counts.refused, store.format.counted.bind(store.format));
    setOutcome(said);
    store.say(said);
    await load();
    await onRepaired();
    store.emit("sluice-repair", await store.client.import(one.id));
  };
  return {
    rejects,
    headers,
    rows,
    edits,
    setEdits,
    change: (changes) => setEdits((edits) => edit(edits, changes, before)),
    type: (change) => setEdits((edits) => type(edits, change, before)),
    send,
    sent,
    problem,
    outcome,
  };
}

/**
 * Sends repaired rows, part by part.
 *
 * @param counts rows that went in, and those that are still refused: added to after each part, so
 *   that they are right after a failure too
 * @param onSent gets the numbers of a part's rows, and the fraction of all rows that has been sent
 */
async function sendRows(
  { client }: Store,
  id: string,
  repaired: ReturnType<typeof toSend>,
  counts: { inserted: number; refused: number },
  onSent: (numbers: readonly number[], fraction: number) => void,
): Promise<void> {
  for (let from = 0; from < repaired.length; from += SENT_ROWS) {
    const part = repaired.slice(from, from + SENT_ROWS);
    const answer = await client.repair(id, part);
    counts.inserted += answer.inserted + answer.updated;
    counts.refused += answer.rejects.length;
    onSent(
      part.map(({ row }) => row),
      (from + part.length) / repaired.length,
    );
  }
}

/** The first rejected rows, page by page. */
async function loadRejects({ client }: Store, id: string): Promise<{ rejects: Reject[]; headers: string[] }> {
  const rejects: Reject[] = [];
  let headers: string[] = [];
  let total = Infinity;
  while (rejects.length < Math.min(total, MOST_ROWS)) {
    const page = await client.rejects(id, rejects.length, PAGE);
    rejects.push(...page.rejects);
    total = page.rejects.length === 0 ? rejects.length : page.total;
    headers = page.headers.map((header) => header ?? "");
  }
  return { rejects, headers };
}

function outcomeOf(
  inserted: number,
  still: number,
  counted: (n: number, one: string, many?: string) => string,
): string {
  const went = `${counted(inserted, "row")} went in.`;
  if (still === 0) return went;
  return `${went} ${counted(still, "row is", "rows are")} still refused; the reason is the new one.`;
}
