// The rejected rows of an import, what was changed in them, and the way back into the table.
import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../api/problem.ts";
import type { Import, Reject } from "../api/shapes.ts";
import { edit, type, type Change, type Edits, type Place } from "../state/edits.ts";
import { asProblem } from "../state/job.ts";
import type { Outcome } from "../state/mending.ts";
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
  /** The reason why the rows cannot be shown. */
  readonly notShown: Problem | undefined;
  /** The reason why the changed rows could not be sent. */
  readonly notSent: Problem | undefined;
  /** The result of the last sending, in words; "" if there is none. */
  readonly outcome: string;
}

const PAGE = 500;
/** The number of rejected rows that can be repaired here at a time; a file holds all of them. */
const MOST_ROWS = 5000;

export function useRepair(one: Import): RepairState {
  const store = useStore();
  const mending = store.mending(one.id);
  const [rejects, setRejects] = useState<readonly Reject[] | undefined>(undefined);
  const [headers, setHeaders] = useState<readonly string[]>([]);
  const [notShown, setNotShown] = useState<Problem | undefined>(undefined);
  const load = async (): Promise<void> => {
    try {
      const found = await loadRejects(store, one.id);
      const open = new Set(found.rejects.map(({ row }) => row));
      const last = found.complete ? Infinity : (found.rejects.at(-1)?.row ?? 0);
      mending.keepOpen((row) => open.has(row) || row > last);
      setHeaders(found.headers);
      setRejects(found.rejects);
      setNotShown(undefined);
    } catch (error) {
      setNotShown(asProblem(error));
    }
  };
  useEffect(() => void load(), [one.id, store.token.value, store.back.value, mending.ended.value]);

  const edits = mending.edits.value;
  const rows = toRows(rejects ?? [], headers);
  const byNumber = new Map(rows.map((row) => [row.row, row]));
  const before = ({ row, column }: Place): string => byNumber.get(row)?.cells[column] ?? "";
  const words = (): string => outcomeOf(mending.outcome.value, store.format.counted.bind(store.format));
  const send = async (): Promise<void> => {
    await mending.send(toSend(rows, edits.now));
    store.say(words());
    if (mending.problem.value?.isAway) return;
    await store.client.import(one.id).then(
      (now) => store.emit("sluice-repair", now),
      // It is asked for by the view as well, which says what is wrong.
      () => undefined,
    );
  };
  return {
    rejects,
    headers,
    rows,
    edits,
    setEdits: (step) => mending.step(step),
    change: (changes) => mending.step((edits) => edit(edits, changes, before)),
    type: (change) => mending.step((edits) => type(edits, change, before)),
    send,
    sent: mending.sent.value,
    notShown,
    notSent: mending.problem.value,
    outcome: words(),
  };
}

/** The first rejected rows, page by page. */
async function loadRejects(
  { client }: Store,
  id: string,
): Promise<{ readonly rejects: readonly Reject[]; readonly headers: string[]; readonly complete: boolean }> {
  const rejects: Reject[] = [];
  let headers: string[] = [];
  let total = Infinity;
  while (rejects.length < Math.min(total, MOST_ROWS)) {
    const page = await client.rejects(id, rejects.length, PAGE);
    rejects.push(...page.rejects);
    total = page.rejects.length === 0 ? rejects.length : page.total;
    headers = page.headers.map((header) => header ?? "");
  }
  return { rejects, headers, complete: rejects.length >= total };
}

function outcomeOf(
  { inserted, skipped, refused }: Outcome,
  counted: (n: number, one: string, many?: string) => string,
): string {
  const said: string[] = [];
  if (inserted > 0 || refused > 0) said.push(`${counted(inserted, "row")} went in.`);
  if (skipped > 0)
    said.push(`${counted(skipped, "row is", "rows are")} in the table already, and went in no second time.`);
  if (refused > 0) said.push(`${counted(refused, "row is", "rows are")} still refused; the reason is the new one.`);
  return said.join(" ");
}
