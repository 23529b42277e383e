// The sheets of a workbook, with how many rows each has.
import type { JSX } from "preact";
import type { SheetName, SheetPreview } from "../api/shapes.ts";
import { chooseLayout } from "../state/choices.ts";
import type { Job } from "../state/job.ts";
import { useStore } from "../ui/context.ts";
import { Data } from "../ui/parts.tsx";

interface SheetTabsProps {
  readonly job: Job;
  readonly sheet: SheetPreview;
  readonly onOther: () => void;
}

export function SheetTabs({ job, sheet, onOther }: SheetTabsProps): JSX.Element | null {
  const store = useStore();
  const sheets = job.preview.value?.sheets ?? [];
  if (sheets.length < 2) return null;
  const rows = (one: SheetName): string => {
    if (one.name === sheet.sheet) return store.format.counted(sheet.records, "row");
    return one.more ? `more than ${store.format.counted(one.rows, "row")}` : store.format.counted(one.rows, "row");
  };
  const chosen = job.choices.value.sheet ?? sheet.sheet;
  return (
    <nav class="tabs" aria-label="Sheets">
      {sheets.map((one) => (
        <button
          key={one.name}
          type="button"
          aria-current={one.name === chosen ? "true" : undefined}
          onClick={() => {
            onOther();
            job.choose(chooseLayout(job.choices.value, { sheet: one.name }));
          }}
        >
          <Data>{one.name}</Data>
          <span class="muted">
            {rows(one)}
            {one.state !== "visible" && " · hidden"}
          </span>
        </button>
      ))}
    </nav>
  );
}
