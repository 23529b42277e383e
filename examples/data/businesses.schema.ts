// The business directory of the guide: what `sluice import examples/data/businesses.xlsx` makes of
// the workbook beside this file. In a file of your own this is all there is to it; `sluice` here is
// the program that runs.
import { table } from "sluice";

export const businesses = table({
  name: "businesses",
  columns: {
    id: { type: "bigserial", primaryKey: true },
    name: { type: "text", notNull: true },
    category: { type: "text" },
    phone: { type: "text" },
    // `format` is checked on the bytes; `check: z.email()` (or any other Standard Schema) does it
    // with a library of your choice.
    email: { type: "text", format: "email" },
    address: { type: "text" },
    city: { type: "text" },
    country: { type: "text" },
    website: { type: "text" },
    description: { type: "text" },
    // Filled by the database; a sheet that brings them too is asked to leave them out.
    created_at: { type: "timestamptz", default: "now()", generated: true },
    updated_at: { type: "timestamptz", default: "now()", generated: true },
    deleted_at: { type: "timestamptz", generated: true },
  },
  // Built after the rows are in, where the import makes the table.
  indexes: ["name", "category", "email", "city", "country", "deleted_at"],
  // A row whose last cell stands before the last column is rejected, not filled up.
  width: "exact",
});
