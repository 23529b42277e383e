// The guide's table without its six indexes, for import.ts.
import { table, type TableSchema } from "sluice";

export const bare: TableSchema = table({
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
  width: "exact",
});
