// What the launcher leaves for other users of the machine to see, or to change.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { newFolder } from "../test/database.ts";
import { start } from "../test/program.ts";

const unix = test.skipIf(process.platform === "win32");

describe("the cache of compiled sources", () => {
  const used = async (folder: string, env: Readonly<Record<string, string>>): Promise<number | null> => {
    const { code } = await start(folder, ["--version"], { NODE_COMPILE_CACHE: "", TMPDIR: folder, ...env }).finished;
    return code;
  };

  unix("lies in the user's cache folder, which nobody else may enter, and never in the temporary one", async () => {
    await using folder = newFolder();
    expect(await used(folder.path, { XDG_CACHE_HOME: join(folder.path, "xdg") })).toBe(0);
    const cache = join(folder.path, "xdg", "sluice");
    expect(statSync(cache).mode & 0o777).toBe(0o700);
    expect(await readdir(cache)).not.toEqual([]);
    expect(await used(folder.path, { XDG_CACHE_HOME: "", HOME: join(folder.path, "home") })).toBe(0);
    expect(await readdir(join(folder.path, "home", ".cache", "sluice"))).not.toEqual([]);
    expect((await readdir(folder.path)).filter((name) => !/^(?:xdg|home)$/.test(name))).toEqual([]);
  });

  unix(
    "is not used in a folder that others can enter, in a link, or below a folder that others can change",
    async () => {
      await using folder = newFolder();
      for (const [name, prepare] of Object.entries({
        open: async (home: string) => {
          await mkdir(join(home, "sluice"), { recursive: true });
          chmodSync(join(home, "sluice"), 0o755);
        },
        link: async (home: string) => {
          await mkdir(join(home, "elsewhere"), { recursive: true, mode: 0o700 });
          await symlink(join(home, "elsewhere"), join(home, "sluice"));
        },
        shared: async (home: string) => {
          await mkdir(join(home, "sluice"), { recursive: true, mode: 0o700 });
          chmodSync(home, 0o777);
        },
      })) {
        const home = join(folder.path, name);
        await prepare(home);
        expect(await used(folder.path, { XDG_CACHE_HOME: home })).toBe(0);
        expect([name, await readdir(join(home, "sluice"))]).toEqual([name, []]);
      }
    },
  );

  unix("is the one that NODE_COMPILE_CACHE names, if it does", async () => {
    await using folder = newFolder();
    const own = join(folder.path, "own");
    expect(await used(folder.path, { NODE_COMPILE_CACHE: own, XDG_CACHE_HOME: join(folder.path, "xdg") })).toBe(0);
    expect(await readdir(own)).not.toEqual([]);
    expect(existsSync(join(folder.path, "xdg"))).toBe(false);
  });

  unix("is used by an installed package too, which runs in the launcher's process", async () => {
    await using folder = newFolder();
    const installed = join(folder.path, "node_modules", "installed");
    await mkdir(join(installed, "bin"), { recursive: true });
    await mkdir(join(installed, "dist"));
    const launcher = pathToFileURL(join(import.meta.dirname, "../../../sheets/bin/launch.js")).href;
    await writeFile(
      join(installed, "bin", "installed.mjs"),
      `import { launch } from ${JSON.stringify(launcher)}; await launch(import.meta.url, "main");`,
    );
    await writeFile(join(installed, "dist", "main.js"), 'console.log(require("node:module").getCompileCacheDir());');
    const env = { ...process.env, NODE_COMPILE_CACHE: "", XDG_CACHE_HOME: join(folder.path, "xdg") };
    const said = execFileSync(process.execPath, [join(installed, "bin", "installed.mjs")], { env, encoding: "utf8" });
    expect(said.startsWith(join(folder.path, "xdg", "sluice"))).toBe(true);
  });
});

/** A server that takes connections and says nothing, and when the first one has come. */
async function silent(): Promise<{ listener: Server; port: number; asked: Promise<unknown> }> {
  const listener = createServer();
  const asked = once(listener, "connection");
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return { listener, port: (listener.address() as { port: number }).port, asked };
}

describe("a password in --to", () => {
  test.skipIf(process.platform !== "linux").each([
    ["--to", (port: number) => `postgres://ada:s3cr%C3%A9t@127.0.0.1:${port}/x?application_name=a`],
    ["--to=", (port: number) => `postgres://ada@127.0.0.1:${port}/x?password=s3cr%C3%A9t&application_name=a`],
  ])("is in the arguments of no process: %s", async (flag, address) => {
    await using folder = newFolder();
    const { listener, port, asked } = await silent();
    const to = flag.endsWith("=") ? [flag + address(port)] : [flag, address(port)];
    const { child, finished } = start(folder.path, ["imports", ...to]);
    await asked;
    const pids = [
      String(child.pid),
      ...readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" "),
    ];
    const seen = pids.map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.join("\n")).not.toMatch(/s3cr/);
    child.kill();
    listener.close();
    expect((await finished).stderr).toMatch(
      /^Note: other users of this machine can see a password in --to\. .*DATABASE_URL.*PGPASSFILE/,
    );
  });

  test("reaches the server all the same, and so does one in PGPASSFILE", async () => {
    await using folder = newFolder();
    const { asked, listener, port } = await askingForPassword();
    try {
      const first = start(folder.path, ["imports", "--to", `postgres://ada:p%40ss@127.0.0.1:${port}/x`]);
      void first.finished;
      expect(await asked()).toBe("p@ss");
      const pass = join(folder.path, "pass");
      await writeFile(pass, `127.0.0.1:${port}:x:ada:from file\n`, { mode: 0o600 });
      const second = start(folder.path, ["imports", "--to", `postgres://ada@127.0.0.1:${port}/x`], {
        PGPASSFILE: pass,
      });
      expect(await asked()).toBe("from file");
      first.child.kill();
      second.child.kill();
      expect((await second.finished).stderr).not.toMatch(/password in --to/);
    } finally {
      listener.close();
    }
  });
});

/**
 * A server that asks each connection for its password in clear text; `asked` resolves with the next
 * one.
 */
async function askingForPassword(): Promise<{ listener: Server; port: number; asked: () => Promise<string> }> {
  const passwords: string[] = [];
  let told: () => void = () => undefined;
  const listener = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
      socket.once("data", (message: Buffer) => {
        passwords.push(message.subarray(5, -1).toString("utf8"));
        told();
        socket.destroy();
      });
    });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const asked = async (): Promise<string> => {
    while (passwords.length === 0) await new Promise<void>((resolve) => (told = resolve));
    return passwords.shift()!;
  };
  return { listener, port: (listener.address() as { port: number }).port, asked };
}

describe("the start", () => {
  const HOOK = `import { registerHooks } from "node:module"; import { appendFileSync } from "node:fs";
registerHooks({ load(url, context, next) { appendFileSync(process.env.LOADED, url + "\\n"); return next(url, context); } });`;

  test("loads no driver of a database, reader or writer that the command does not need", async () => {
    await using folder = newFolder();
    await writeFile(join(folder.path, "hook.mjs"), HOOK);
    await writeFile(join(folder.path, "people.csv"), "name,age\nAda,36\n");
    const loaded = async (...args: string[]): Promise<string[]> => {
      const list = join(folder.path, `${args[0]}.txt`);
      const { code } = await start(folder.path, args, {
        LOADED: list,
        NODE_OPTIONS: `--import=${pathToFileURL(join(folder.path, "hook.mjs")).href}`,
      }).finished;
      expect(code).toBe(0);
      return readFileSync(list, "utf8").split("\n");
    };
    const unneeded =
      /node_modules\/(?:pg|numfmt|pg-boss|fastify|@electric-sql)\/|database\/sql\.ts|src\/(?:xlsx|ods|library)\/(?!text\.ts)/;
    for (const args of [["--version"], ["preview", "people.csv"]]) {
      const modules = await loaded(...args);
      expect(modules.filter((url) => unneeded.test(url))).toEqual([]);
      expect(modules).toContainEqual(expect.stringContaining("cli/main.ts"));
    }
  });
});
