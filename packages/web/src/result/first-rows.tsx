// The first rows of the table that was imported into.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Import, TableRows } from "../api/shapes.ts";
import { useStore } from "../ui/context.ts";
import { Data, useNarrow } from "../ui/parts.tsx";

const SHOWN_ROWS = 8;
const SHOWN_CARDS = 3;

export function FirstRows({ import: one }: { readonly import: Import }): JSX.Element | null {
  const store = useStore();
  const narrow = useNarrow();
  const [table, setTable] = useState<TableRows | undefined>(undefined);
  useEffect(() => {
    if (one.inserted + one.updated > 0) store.client.rows(one.id, SHOWN_ROWS).then(setTable, () => setTable(undefined));
  }, [one.id, one.inserted, store.back.value]);
  // What was looked at may have been taken back since.
  if (!table || table.rows.length === 0 || one.inserted + one.updated === 0) return null;
  return (
    <div class="first-rows">
      <h2 id="rows-title">
        In the table <Data>{one.table}</Data>
      </h2>
      {narrow ? <Cards table={table} /> : <Table table={table} />}
    </div>
  );
}

interface TableProps {
  readonly table: TableRows;
}

function Cards({ table }: TableProps): JSX.Element {
  return (
    <ul class="cards">
      {table.rows.slice(0, SHOWN_CARDS).map((row, n) => (
        <li key={n} class="card">
          <dl class="pairs">
            {table.columns.map((name, column) => (
              <div key={name}>
                <dt>
                  <Data>{name}</Data>
                </dt>
                <dd>
                  <Value text={row[column] ?? null} />
                </dd>
              </div>
            ))}
          </dl>
        </li>
      ))}
    </ul>
  );
}

function Table({ table }: TableProps): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-labelledby="rows-title">
      <table>
        <thead>
          <tr>
            {table.columns.map((name) => (
              <th key={name} scope="col">
                <Data>{name}</Data>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, n) => (
            <tr key={n}>
              {row.map((text, column) => (
                <td key={table.columns[column]}>
                  <Value text={text} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Value({ text }: { readonly text: string | null }): JSX.Element {
  return text === null ? <span class="muted">NULL</span> : <Data>{text}</Data>;
}
