// Makes the pictures of the page in docs/images: npm run screenshots.
//
// It starts `sluice serve` with the database of DATABASE_URL, in which it makes and drops a schema,
// or with an embedded one, imports a sheet that needs some repair, and takes a picture of each
// state. Pictures of a running import differ from time to time.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { writeWorkbook, type TestCell } from "../packages/sluice/src/test/workbook.ts";
import { launchBrowser } from "./browser.ts";
import { setup as buildPage } from "./page.ts";

const root = join(import.meta.dirname, "..");
const images = join(root, "docs/images");
const PORT = 8097;
const READY = ".import-bar .primary:not([disabled])";
const MEMBERS = 240;
const MEASUREMENTS = 1_000_000;

await buildPage();
const folder = mkdtempSync(join(tmpdir(), "sluice-screenshots-"));
const database = process.env["DATABASE_URL"] ?? "";
const target = database === "" ? ["--data", join(folder, "data")] : ["--to", database];
const args = ["packages/sluice/bin/sluice.js", "serve", "--port", String(PORT), "--upload-dir", folder, ...target];
const server = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
try {
  await Promise.race([once(server.stdout, "data"), once(server, "exit").then(failed)]);
  await takeAll();
} finally {
  if (server.exitCode === null && server.kill()) await once(server, "exit");
  rmSync(folder, { recursive: true, force: true });
}

async function takeAll(): Promise<void> {
  const members = await membersFile();
  const measurements = join(folder, "measurements.csv");
  writeFileSync(
    measurements,
    `station,at,value\n${Array.from({ length: MEASUREMENTS }, (_, n) => `S${n % 97},2031-01-${String((n % 28) + 1).padStart(2, "0")},${n / 8}\n`).join("")}`,
  );
  const browser = await launchBrowser();
  const url = `http://127.0.0.1:${PORT}/`;
  const wide = await browser.newPage({ viewport: { width: 1120, height: 800 }, locale: "en-GB" });
  await wide.goto(url);
  await wide.waitForSelector(".product");
  await take(wide, "choose");

  await wide.setInputFiles("#file", members);
  await wide.waitForSelector(READY);
  await wide.click(".grid-column:has-text('Fee')");
  await wide.waitForSelector(".doubts");
  await take(wide, "look");
  await wide.getByRole("button", { name: /^Make it/ }).click();
  await wide.waitForSelector(".grid-cell.faulty");
  await wide.click(READY);
  await wide.waitForSelector(".repair .grid");
  await wide.waitForSelector(".first-rows");
  await wide.locator(".grid-cell.faulty").first().click();
  await take(wide, "repair");

  const phone = await browser.newPage({
    viewport: { width: 390, height: 760 },
    colorScheme: "dark",
    locale: "en-GB",
  });
  await phone.goto(wide.url());
  await phone.waitForSelector(".reject");
  await phone.locator(".repair").scrollIntoViewIfNeeded();
  await phone.evaluate(
    "document.querySelector('sluice-importer').shadowRoot.querySelector('.repair').scrollIntoView()",
  );
  await take(phone, "phone");

  await wide.goto(`${url}#/`);
  await wide.setInputFiles("#file", measurements);
  await wide.waitForSelector(READY, { timeout: 120_000 });
  await wide.click(READY);
  await wide.waitForSelector(".percent:has-text('%')", { timeout: 60_000 });
  await wide.waitForSelector(".going [aria-valuenow^='4'], .going [aria-valuenow^='5']", { timeout: 120_000 });
  await take(wide, "run");
  await wide.waitForSelector(".result", { timeout: 300_000 });
  await wide.goto(`${url}#/history`);
  await wide.waitForSelector(".import-line");
  await take(wide, "history");
  await browser.close();
}

function failed(): never {
  throw new Error("sluice serve has not started.");
}

async function take(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(images, `${name}.png`) });
  console.log(`docs/images/${name}.png`);
}

/**
 * A sheet as people keep it: titles above the header, fees in another notation, and some cells that
 * are no fees.
 */
function membersFile(): Promise<string> {
  const names = ["Ada Byrne", "Zoë Møller", "Çağla Şahin", "Jędrzej Nowak", "نور حداد", "Ελένη Παππά", "Ivo Novák"];
  const regions = ["North", "Coast", "n/a", "South"];
  const rows: TestCell[][] = Array.from({ length: MEMBERS }, (_, n) => [
    1000 + n,
    names[n % names.length]!,
    new Date(Date.UTC(2019, n % 12, 1 + (n % 27))),
    n === 7
      ? "waived"
      : n === 61
        ? "ask Ivo"
        : n === 140
          ? "see note 2"
          : `1.${String(200 + n)},${n % 2 ? "50" : "00"}`,
    regions[n % regions.length]!,
    `member${1000 + n}@example.com`,
  ]);
  const header = ["No.", "Name", "Joined", "Fee", "Region", "E-mail"];
  return writeWorkbook(join(folder, "Members 2031.xlsx"), {
    Members: [["Members of the rowing club"], [], header, ...rows, [], ["Source: the treasurer's list"]],
    Boats: [
      ["Boat", "Seats"],
      ["Heron", 4],
      ["Otter", 2],
    ],
  });
}
