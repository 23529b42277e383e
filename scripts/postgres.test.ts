import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import pg from "pg";
import { expect, test } from "vitest";
import { startServer } from "./postgres.ts";

const programs = await startServer().then(
  (server) => (server.remove(), true),
  () => false,
);

test.skipIf(!programs && !process.env["CI"])(
  "a server for tests ends with the process that started it, even by kill -9",
  async () => {
    const program = `
    import { startServer } from ${JSON.stringify(new URL("postgres.ts", import.meta.url).href)};
    const { url, home } = await startServer();
    process.stdout.write(JSON.stringify({ url, home }));
    setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [text] = (await once(child.stdout, "data")) as [Buffer];
    const { url, home } = JSON.parse(text.toString()) as { url: string; home: string };
    const answers = async (): Promise<boolean> => {
      const client = new pg.Client({ connectionString: url });
      client.on("error", () => undefined);
      return client.connect().then(
        () => client.end().then(() => true),
        () => false,
      );
    };
    expect(await answers()).toBe(true);
    child.kill("SIGKILL");
    await expect.poll(answers).toBe(false);
    await expect.poll(() => existsSync(home)).toBe(false);
  },
);
