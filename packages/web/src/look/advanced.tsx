// What only some need: how a sheet is read in detail, how rows are written, and the SQL that would
// run.
import type { JSX } from "preact";
import type { SheetPreview } from "../api/shapes.ts";
import { chooseOption } from "../state/choices.ts";
import type { Job } from "../state/job.ts";
import { DraftInput } from "../ui/draft-input.tsx";
import { Field } from "../ui/parts.tsx";
import { READING, WRITING, type OptionField } from "./option-fields.ts";

export function Advanced({ job, sheet }: { readonly job: Job; readonly sheet: SheetPreview }): JSX.Element {
  const chosen = Object.keys(job.choices.value.options).filter((name) => name !== "replace").length;
  const sql = [...sheet.ddl, ...sheet.indexes];
  return (
    <div class="folded">
      <details>
        <summary>
          Advanced
          {chosen > 0 && <span class="muted"> · {chosen} chosen</span>}
        </summary>
        <div class="advanced">
          <Options job={job} title="Reading" fields={READING} />
          <Options job={job} title="Writing" fields={WRITING} />
        </div>
      </details>
      {sql.length > 0 && (
        <details>
          <summary>SQL that would run first</summary>
          <pre class="sql" tabIndex={0} aria-label="SQL">
            {sql.map((statement) => `${statement};`).join("\n\n")}
          </pre>
        </details>
      )}
    </div>
  );
}

function Options(props: {
  readonly job: Job;
  readonly title: string;
  readonly fields: readonly OptionField[];
}): JSX.Element {
  const { job } = props;
  return (
    <fieldset>
      <legend>{props.title}</legend>
      {props.fields.map((field) => (
        <Option
          key={field.name}
          field={field}
          value={job.choices.value.options[field.name] ?? ""}
          choose={(value) => job.choose(chooseOption(job.choices.value, field.name, value))}
        />
      ))}
    </fieldset>
  );
}

function Option(props: {
  readonly field: OptionField;
  readonly value: string;
  readonly choose: (value: string) => void;
}): JSX.Element {
  const { field, value, choose } = props;
  const id = `option-${field.name}`;
  if (field.kind === "flag")
    return (
      <label class="check">
        <input
          type="checkbox"
          checked={value === "true"}
          onChange={(event) => choose(event.currentTarget.checked ? "true" : "")}
        />
        {field.label}
      </label>
    );
  return (
    <Field id={id} label={field.label}>
      {field.kind === "choice" ? (
        <select id={id} value={value} onChange={(event) => choose(event.currentTarget.value)}>
          {field.choices.map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      ) : (
        <DraftInput
          id={id}
          numeric={field.kind === "number"}
          placeholder={field.placeholder}
          text={value}
          onDone={choose}
        />
      )}
    </Field>
  );
}
