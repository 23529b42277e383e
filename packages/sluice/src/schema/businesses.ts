// The business directory: the table of the example, of `sluice sample`, and of `POST /upload`
// unless it is told another.
import { table, type TableSchema } from "./schema.ts";

/**
 * Nine text columns from the sheet, and four that the database fills. `deleted_at` marks a row as
 * deleted without removing it.
 */
export const businesses: TableSchema = table({
  name: "businesses",
  columns: {
    id: { type: "bigserial", primaryKey: true },
    name: { type: "text", notNull: true },
    category: { type: "text" },
    phone: { type: "text" },
    email: { type: "text", format: "email" },
    address: { type: "text" },
    city: { type: "text" },
    country: { type: "text" },
    website: { type: "text" },
    description: { type: "text" },
    created_at: { type: "timestamptz", default: "now()", generated: true },
    updated_at: { type: "timestamptz", default: "now()", generated: true },
    deleted_at: { type: "timestamptz", generated: true },
  },
  indexes: ["name", "category", "email", "city", "country", "deleted_at"],
  width: "exact",
});
