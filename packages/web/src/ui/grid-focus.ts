// The active cell of a grid: what has the focus, is edited, and is scrolled into sight.
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Step } from "./cell-editor.tsx";
import type { GridProps } from "./grid-props.ts";
import { moved, type Spot } from "./grid-keys.ts";
import { offsetsOf, ROW_HEAD_WIDTH, ROW_HEIGHT } from "./grid-sight.ts";

export interface GridFocus {
  readonly box: RefObject<HTMLDivElement | null>;
  /** The left side of each column, and the right side of the last one, in pixels. */
  readonly offsets: readonly number[];
  /** The part of the grid that is in sight, in pixels. */
  readonly sight: Sight;
  readonly active: Spot;
  /** The text with which the active cell is edited; undefined if it is not edited. */
  readonly editing: string | undefined;
  /** Looks which part is in sight. */
  readonly look: () => void;
  /** Moves the focus to a cell. */
  readonly go: (to: Spot) => void;
  /** Edits the active cell, or does what its heading says. */
  readonly act: () => void;
  /** Ends editing. An undefined text changes nothing. */
  readonly finish: (text: string | undefined, step: Step) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

interface Sight {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

export function useGridFocus(props: GridProps): GridFocus {
  const { columns, rowCount } = props;
  const box = useRef<HTMLDivElement>(null);
  const [spot, setSpot] = useState<Spot>({ row: rowCount > 0 ? 0 : -1, column: 0 });
  const [editing, setEditing] = useState<string | undefined>(undefined);
  /** The current cell: a key may come before the grid is drawn for the last one. */
  const at = useRef(spot);
  /** The cell gets the focus after the next drawing. */
  const wanted = useRef(false);
  const offsets = offsetsOf(columns);
  const inside = ({ row, column }: Spot): Spot => ({
    row: Math.min(row, rowCount - 1),
    column: Math.min(column, columns.length - 1),
  });
  const active = inside(spot);
  const [sight, look] = useSight(box, [columns.length, rowCount]);
  const go = (to: Spot): void => {
    wanted.current = true;
    at.current = to;
    setSpot(to);
    reveal(box.current!, to, offsets, props.headHeight);
    look();
    props.onSpot?.(to);
  };
  useLayoutEffect(() => {
    if (!wanted.current || editing !== undefined) return;
    wanted.current = false;
    box.current!.querySelector<HTMLElement>("[tabindex='0']")?.focus({ preventScroll: true });
  });
  useEffect(() => {
    if (props.goTo) go(props.goTo);
  }, [props.goTo]);
  const finish = (text: string | undefined, step: Step): void => {
    setEditing(undefined);
    wanted.current = step !== "leave";
    if (text !== undefined) props.onEdit?.(active.row, active.column, text);
    if (step === "down") go({ ...active, row: Math.min(rowCount - 1, active.row + 1) });
    if (step === "right") go({ ...active, column: Math.min(columns.length - 1, active.column + 1) });
  };
  const act = (): void => {
    const { row, column } = inside(at.current);
    if (row < 0 && column >= 0) props.onColumnHead?.(column);
    else if (column < 0 && row >= 0) props.onRowHead?.(row);
    else if (canEdit(props, { row, column })) setEditing(props.cell(row, column).text ?? "");
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (editing !== undefined) return;
    const here = inside(at.current);
    const page = Math.max(1, Math.floor((sight.height - props.headHeight) / ROW_HEIGHT) - 1);
    const to = moved(here, event, { rows: rowCount, columns: columns.length, page });
    if (to) go(to);
    else if (event.key === "Enter" || event.key === "F2" || event.key === " ") act();
    else if (!canEdit(props, here)) return;
    else if (/^(?:Delete|Backspace)$/.test(event.key)) props.onEdit?.(here.row, here.column, "");
    else if (isTyped(event)) setEditing(event.key);
    else return;
    event.preventDefault();
  };
  return { box, offsets, sight, active, editing, look, go, act, finish, onKeyDown };
}

/**
 * The part of the grid that is in sight, and a function that looks for it again. It is called after
 * each change of the grid's size.
 */
function useSight(box: RefObject<HTMLDivElement | null>, size: readonly number[]): [Sight, () => void] {
  const [sight, setSight] = useState<Sight>({ top: 0, left: 0, height: 600, width: 1200 });
  const look = (): void => {
    if (!box.current) return;
    const { scrollTop: top, scrollLeft: left, clientHeight: height, clientWidth: width } = box.current;
    setSight({ top, left, height, width });
  };
  useLayoutEffect(look, size);
  useEffect(() => {
    const observer = new ResizeObserver(look);
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  return [sight, look];
}

function canEdit({ columns, onEdit }: GridProps, { row, column }: Spot): boolean {
  return onEdit !== undefined && row >= 0 && column >= 0 && !columns[column]!.readOnly;
}

/** A key that writes a character. */
function isTyped(event: KeyboardEvent): boolean {
  return [...event.key].length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
}

/** Scrolls as little as it takes to have a cell in sight, beside the headings that cover a part. */
export function reveal(
  box: Pick<HTMLElement, "clientHeight" | "clientWidth" | "scrollTop" | "scrollLeft">,
  { row, column }: Spot,
  offsets: readonly number[],
  headHeight: number,
): void {
  if (row >= 0) {
    const top = row * ROW_HEIGHT;
    const height = box.clientHeight - headHeight;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + ROW_HEIGHT > box.scrollTop + height) box.scrollTop = top + ROW_HEIGHT - height;
  }
  if (column >= 0) {
    const [left, right] = [offsets[column]!, offsets[column + 1]!];
    const width = box.clientWidth - ROW_HEAD_WIDTH;
    if (left < box.scrollLeft) box.scrollLeft = left;
    else if (right > box.scrollLeft + width) box.scrollLeft = Math.min(left, right - width);
  }
}
