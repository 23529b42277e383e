// The options under "Advanced". Their names are those of the service's form, as the command line
// has them.

export type OptionField = { readonly name: string; readonly label: string } & (
  | { readonly kind: "flag" }
  | { readonly kind: "text" | "number"; readonly placeholder: string }
  | { readonly kind: "choice"; readonly choices: readonly (readonly [value: string, label: string])[] }
);

export const READING: readonly OptionField[] = [
  { kind: "text", name: "range", label: "Only this part of the sheet", placeholder: "B2:K99" },
  { kind: "number", name: "skip", label: "Rows to pass over at the top", placeholder: "0" },
  { kind: "number", name: "skipLast", label: "Rows to pass over at the end", placeholder: "found" },
  { kind: "number", name: "limit", label: "At most this many rows", placeholder: "all" },
  { kind: "text", name: "timeZone", label: "Time zone of times without one", placeholder: "UTC" },
  {
    kind: "choice",
    name: "text",
    label: "Numbers and dates in columns of text",
    choices: [
      ["", "their value"],
      ["shown", "as the sheet shows them"],
    ],
  },
  { kind: "text", name: "delimiter", label: "Delimiter of a text file", placeholder: "found" },
  { kind: "text", name: "encoding", label: "Encoding of a text file", placeholder: "found" },
  { kind: "flag", name: "allRows", label: "Keep totals, remarks and repeated headers as rows" },
  { kind: "flag", name: "fillMerged", label: "Fill cells that are merged downwards" },
  { kind: "flag", name: "links", label: "Keep the addresses of links" },
];

export const WRITING: readonly OptionField[] = [
  {
    kind: "choice",
    name: "method",
    label: "Method",
    choices: [
      ["", "copy: COPY in large chunks, the fastest"],
      ["batch", "batch: one INSERT for many rows"],
      ["concurrent", "concurrent: one INSERT a row, many at a time"],
      ["sequential", "sequential: one INSERT after the other"],
    ],
  },
  { kind: "number", name: "workers", label: "Connections that load at the same time", placeholder: "one a processor" },
  { kind: "number", name: "batchSize", label: "Rows an INSERT of batch", placeholder: "100" },
  { kind: "number", name: "chunkRows", label: "Rows that copy commits together", placeholder: "20000" },
  {
    kind: "choice",
    name: "onConflict",
    label: "A row whose key is in the table",
    choices: [
      ["", "is rejected"],
      ["skip", "is left out"],
      ["update", "is written over the old one"],
    ],
  },
  { kind: "text", name: "key", label: "Columns that tell rows apart", placeholder: "the primary key" },
  {
    kind: "choice",
    name: "empty",
    label: "An empty cell",
    choices: [
      ["", "is NULL"],
      ["default", "gets its column's default"],
      ["keep", "keeps what the table has"],
    ],
  },
  { kind: "number", name: "maxErrors", label: "Stop when more rows are rejected than", placeholder: "never" },
  { kind: "flag", name: "atomic", label: "All rows at once, or none" },
  { kind: "flag", name: "migrate", label: "Add columns that the table lacks" },
];
