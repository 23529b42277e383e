// The sheets of a workbook, each with how many rows would be imported, or how many it has.
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
  const countOf = (one: SheetName): string => {
    const looked = one.name === sheet.sheet ? sheet : job.looked.value.get(one.name);
    const more = looked ? !looked.complete : one.more;
    const rows = store.format.counted(looked?.records ?? one.rows, "row");
    // Nobody knows yet which of them is the header.
    return `${more ? "more than " : ""}${rows}${looked || one.rows === 0 ? "" : " with the header"}`;
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
            {countOf(one)}
            {one.state !== "visible" && " · hidden"}
          </span>
        </button>
      ))}
    </nav>
  );
}
