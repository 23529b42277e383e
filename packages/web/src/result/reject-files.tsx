// The rejected rows as files, with the columns of the sheet.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Import } from "../api/shapes.ts";
import { asProblem } from "../state/job.ts";
import { useStore } from "../ui/context.ts";
import { Icon } from "../ui/parts.tsx";

/** The time in which a browser has taken over what it saves. */
const SAVED_MS = 10_000;

export function RejectFiles({ import: one }: { readonly import: Import }): JSX.Element {
  const store = useStore();
  const [failed, setFailed] = useState("");
  const save = async (kind: "csv" | "xlsx"): Promise<void> => {
    try {
      setFailed("");
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await store.client.rejectFile(one.id, kind));
      link.download = `${one.file.replace(/\.[^.]+$/, "")}-rejects.${kind}`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), SAVED_MS);
    } catch (error) {
      setFailed(asProblem(error).message);
    }
  };
  return (
    <div class="actions">
      {(["xlsx", "csv"] as const).map((kind) => (
        <button key={kind} type="button" onClick={() => void save(kind)}>
          <Icon name="download" size={16} />
          <span>
            <span class="hidden">Download as </span>
            {kind === "xlsx" ? "Excel" : "CSV"}
          </span>
        </button>
      ))}
      {failed !== "" && (
        <p class="error" role="alert">
          {failed}
        </p>
      )}
    </div>
  );
}
