// GET /about: which program this is, which database its rows go into, and how large a file may be.
// The page shows it.
import type { FastifyInstance } from "fastify";
import type { Api } from "./context.ts";
import { failures } from "./problem.ts";
import { flag, named, object, ref, says, text, whole, type Schema } from "./schema.ts";

export interface About {
  readonly version: string;
  readonly database: { readonly product: string; readonly version: string; readonly name: string };
  readonly maxFileBytes: number;
  readonly fleet: boolean;
}

export const ABOUT_SCHEMA: Schema = named(
  "About",
  object({
    version: says(text, "Of Sluice."),
    database: object({
      product: says(text, "`PostgreSQL`, or `Embedded PostgreSQL`: the one that Sluice brings with it."),
      version: text,
      name: says(text, "The name of the database, without its server."),
    }),
    maxFileBytes: says(whole, "The largest file that is taken."),
    fleet: says(flag, "Workers import: `GET /dead-letters` has what none of them tries any more."),
  }),
);

export function aboutRoute(app: FastifyInstance, { target, place, version, jobs }: Api): void {
  app.get(
    "/about",
    {
      schema: {
        summary: "The program, its database, and the largest file.",
        response: { 200: ref("About"), ...failures(401, 403, 503) },
      },
    },
    async (): Promise<About> => {
      const { rows } = await target.query("select version(), current_setting('server_version'), current_database()");
      const [built, serverVersion, name] = rows[0]!;
      // The embedded one is compiled for the runtime of JavaScript.
      const product = /emcc|emscripten|wasm/i.test(built!) ? "Embedded PostgreSQL" : "PostgreSQL";
      return {
        version,
        database: { product, version: serverVersion!.replace(/ .*$/s, ""), name: name! },
        maxFileBytes: place.limits.maxFileBytes,
        fleet: jobs.isFleet,
      };
    },
  );
}
