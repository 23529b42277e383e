// JSON Schemas of the API, in few words. They are what /openapi.json says; tests hold the answers
// to them.

export type Schema = Readonly<Record<string, unknown>>;

export const text: Schema = { type: "string" };
export const flag: Schema = { type: "boolean" };
export const whole: Schema = { type: "integer" };

/** A schema with more to say of it. */
export function says(schema: Schema, description: string): Schema {
  return { ...schema, description };
}

export function oneOf(...values: readonly string[]): Schema {
  return { type: "string", enum: values };
}

export function list(items: Schema, more: Schema = {}): Schema {
  return { type: "array", items, ...more };
}

/** Whole numbers, or whatever else, by name. */
export function byName(values: Schema): Schema {
  return { type: "object", additionalProperties: values };
}

export function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: "null" }] };
}

/** A named schema. */
export function ref(name: string): Schema {
  return { $ref: `${name}#` };
}

/** An object that has these properties and no other; a name with `?` at its end may be missing. */
export function object(properties: Readonly<Record<string, Schema>>, more: Schema = {}): Schema {
  const entries = Object.entries(properties).map(([name, schema]) => [name.replace(/\?$/, ""), schema] as const);
  const required = Object.keys(properties).filter((name) => !name.endsWith("?"));
  return { type: "object", properties: Object.fromEntries(entries), required, additionalProperties: false, ...more };
}

/** The same, with a name. */
export function named($id: string, schema: Schema): Schema {
  return { $id, ...schema };
}
