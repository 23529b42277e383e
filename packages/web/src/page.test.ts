// The page in a real browser, against the real service and a real database.
import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { open } from "@sluice/sheets";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, withoutBrowser } from "../../../scripts/browser.ts";
import { business, HEADER, startService, type Service } from "../../sluice/src/server/test/service.ts";
import { server } from "../../sluice/src/test/database.ts";
import { FOREIGN_FORMULA, FORMULA_CASES } from "../../sluice/src/test/formulas.ts";
import { writeWorkbook, type TestCell } from "../../sluice/src/test/workbook.ts";

const MARKUP = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;
const ROWS: readonly (readonly TestCell[])[] = [
  business(1),
  business(2).with(3, MARKUP),
  business(3),
  business(4).with(3, '=HYPERLINK("https://evil.example")'),
  ["", ...business(5).slice(1)],
  ["too", "short"],
];

// In CI a missing browser is a failure, not a skip.
describe.skipIf(withoutBrowser || (server === undefined && !process.env["CI"]))("the page", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  test("imports a file and shows what became of it, markup in cells as text", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service);
    await page.setInputFiles("#file", await workbook(service, ROWS));
    expect(await page.isChecked("input[value=copy]")).toBe(true);
    await page.click("#start");
    await page.waitForSelector("#result:not([hidden])");
    expect(await texts(page, "#total, #inserted, #rejected")).toEqual(["6", "2", "4"]);
    expect(await texts(page, "#duration, #rate")).toEqual([
      expect.stringMatching(/^[\d.]+m?s$/),
      expect.stringMatching(/^[\d,]+$/),
    ]);
    expect(await texts(page, "#reject-rows th")).toEqual(["3", "5", "6", "7"]);
    expect(await texts(page, "#reject-rows tr:first-child td")).toEqual([
      "Email",
      MARKUP,
      "invalid_email",
      expect.any(String),
    ]);
    expect(await page.locator("#result img, #result script").count()).toBe(0);
    expect(await page.evaluate("window.hacked")).toBeUndefined();
    expect(await page.evaluate("document.activeElement.id")).toBe("result-title");
    expect(await service.database.query("select count(*) from businesses")).toEqual([["2"]]);
  });

  test("gives the rejected rows as a CSV file in which nothing runs", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service);
    await page.setInputFiles("#file", await workbook(service, ROWS));
    await page.click("#start");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download")]);
    expect(download.suggestedFilename()).toBe("businesses-rejects.csv");
    const lines = (await readFile(await download.path(), "utf8")).split("\r\n");
    expect(lines[0]).toBe("\uFEFFsheet,row,column,value,code,reason");
    expect(lines[1]).toMatch(/^Sheet1,3,Email,"<img src=x onerror=""window\.hacked=1"">.*",invalid_email,/);
    expect(lines[2]).toMatch(/^Sheet1,5,Email,"'=HYPERLINK\(""https:\/\/evil\.example""\)",invalid_email,/);
    expect(lines[3]).toMatch(/^Sheet1,6,Name,,missing_value,/);
    expect(lines[4]).toMatch(/^Sheet1,7,,,too_few_columns,/);
    expect(lines.slice(5)).toEqual([""]);
  });

  test("writes each text to its CSV file as the importer does, so that no program runs it", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service);
    const rejects = JSON.stringify(FORMULA_CASES.map(([value], row) => ({ sheet: "S", row, value })));
    const csv = await page.evaluate<string>(`import("/csv.js").then(({ toCsv }) => toCsv(${rejects}))`);
    expect(csv).not.toMatch(FOREIGN_FORMULA);
    const path = join(service.folder, "rejects.csv");
    await writeFile(path, csv);
    await using file = await open(path, { csv: { delimiter: ",", quote: '"' } });
    const values: unknown[] = [];
    for await (const row of file.sheet().rows({ from: 2 })) values.push(row.values[3]);
    expect(values).toEqual(FORMULA_CASES.map(([, written]) => written));
  });

  test("takes a file that is dropped, and refuses other kinds kindly", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service);
    await drop(page, "notes.txt", Buffer.from("hello"));
    expect(await page.textContent("#error")).toBe(
      "“notes.txt” is no Excel workbook. Choose a file that ends in .xlsx, .xlsm or .xls.",
    );
    await page.click("#start");
    expect(await page.textContent("#error")).toBe("Choose a workbook first.");
    await drop(page, "dropped.xlsx", await readFile(await workbook(service, [business(1)])));
    expect(await page.isVisible("#error")).toBe(false);
    expect(await page.textContent("#file-name")).toBe("dropped.xlsx");
    await page.click("#start");
    await page.waitForSelector("#result:not([hidden])");
    expect(await page.textContent("#result-title")).toBe("Every row is in");
    expect(await page.isVisible("#rejects")).toBe(false);
  });

  test("shows what the server has to say, and can be tried again", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service);
    await page.setInputFiles("#file", { name: "text.xlsx", mimeType: "", buffer: Buffer.from("Name,Phone") });
    await page.click("#start");
    await page.waitForSelector("#error:not([hidden])");
    expect(await page.textContent("#error")).toBe("Only Excel files allowed");
    await page.fill("#table", "pg_catalog.pg_class");
    await page.setInputFiles("#file", await workbook(service, [business(1)]));
    expect(await page.isVisible("#error")).toBe(false);
    await page.click("#start");
    await page.waitForSelector("#error:not([hidden])");
    expect(await page.textContent("#error")).toContain("belongs to the database itself");
    await page.fill("#table", "");
    await page.click("#start");
    await page.waitForSelector("#result:not([hidden])");
    await page.click("#again");
    expect(await page.evaluate("document.activeElement.id")).toBe("file");
  });

  test("imports a file beside an unfinished one of its name, when it is told to", async () => {
    await using service = await startService();
    await service.send(await service.workbook([business(1)]), "b.xlsx");
    await service.database.query("update sluice.imports set state = 'failed'");
    const path = join(service.folder, "b.xlsx");
    await writeWorkbook(path, { Sheet1: [HEADER, business(2)] });
    await using page = await openPage(browser, service);
    await page.setInputFiles("#file", path);
    expect(await page.isVisible("#anyway")).toBe(false);
    await page.click("#start");
    await page.waitForSelector("#error:not([hidden])");
    expect(await page.textContent("#error")).toContain("is not finished");
    await page.click("#anyway");
    await page.waitForSelector("#result:not([hidden])");
    expect(await page.isVisible("#anyway")).toBe(false);
    expect(await service.database.query("select count(*) from businesses")).toEqual([["2"]]);
  });

  test("says that a file is too large, however large it is", async () => {
    await using service = await startService({ maxFileBytes: 1024 * 1024 });
    await using page = await openPage(browser, service);
    const path = join(service.folder, "large.xlsx");
    await writeFile(path, "PK");
    await truncate(path, 80 * 1024 * 1024);
    await page.setInputFiles("#file", path);
    await page.click("#start");
    await page.waitForSelector("#error:not([hidden])");
    expect(await page.textContent("#error")).toBe("The file is too large: at most 1 MiB are allowed.");
  });

  test("asks for the token that the server asks for", async () => {
    await using service = await startService({ token: "s3cret" });
    await using page = await openPage(browser, service);
    expect(await page.isVisible("#token")).toBe(false);
    await page.setInputFiles("#file", await workbook(service, [business(1)]));
    await page.click("#start");
    await page.waitForSelector("#token-field:not([hidden])");
    expect(await page.evaluate("document.activeElement.id")).toBe("token");
    await page.keyboard.type("s3cret");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#result:not([hidden])");
  });

  test("works from the keyboard alone", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service);
    const stops: unknown[] = [];
    await page.setInputFiles("#file", await workbook(service, ROWS));
    for (let n = 0; n < 4; n++) {
      await page.keyboard.press("Tab");
      stops.push(await page.evaluate("document.activeElement.id || document.activeElement.value"));
    }
    expect(stops).toEqual(["file", "copy", "table", "start"]);
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("ArrowDown");
    expect(await page.isChecked("input[value=batch]")).toBe(true);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#result:not([hidden])");
    expect(await page.textContent("#result-text")).toMatch(/ · batch$/);
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.id")).toBe("download");
  });

  test("says so when the server has gone", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service, {}, [/ERR_CONNECTION_REFUSED/]);
    await page.setInputFiles("#file", await workbook(service, [business(1)]));
    await service.app.close();
    await page.click("#start");
    await page.waitForSelector("#error:not([hidden])");
    expect(await page.textContent("#error")).toMatch(
      /^The (server cannot be reached|connection to the server broke off)/,
    );
    expect(await page.isVisible("#form")).toBe(true);
  });

  test.each(["light", "dark"] as const)("can be read in %s colours, and fits a phone", async (colorScheme) => {
    await using service = await startService();
    await using page = await openPage(browser, service, { colorScheme, viewport: { width: 360, height: 740 } });
    await page.setInputFiles("#file", await workbook(service, ROWS));
    await page.waitForSelector("#health[data-state=well]");
    expect(await page.evaluate(lowContrast)).toEqual([]);
    await page.click("#start");
    await page.waitForSelector("#result:not([hidden])");
    expect(await page.evaluate(lowContrast)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
  });
});

/** A page that fails the test when it reports an error that was not foreseen, such as a breach of its own policy. */
async function openPage(
  browser: Browser,
  service: Service,
  options: BrowserContextOptions = {},
  foreseen: readonly RegExp[] = [],
): Promise<Page & AsyncDisposable> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    // A refused upload is reported as a failed resource, which it is meant to be.
    const known = [/Failed to load resource: the server responded with a status of 4\d\d/, ...foreseen];
    if (message.type() === "error" && !known.some((one) => one.test(message.text()))) errors.push(message.text());
  });
  await page.goto(service.url);
  const dispose = async (): Promise<void> => {
    await context.close();
    expect(errors).toEqual([]);
  };
  return Object.assign(page, { [Symbol.asyncDispose]: dispose });
}

function workbook(service: Service, rows: readonly (readonly TestCell[])[]): Promise<string> {
  return writeWorkbook(join(service.folder, "businesses.xlsx"), { Sheet1: [HEADER, ...rows] });
}

function texts(page: Page, selector: string): Promise<string[]> {
  return page.locator(selector).allTextContents();
}

async function drop(page: Page, name: string, content: Buffer): Promise<void> {
  const data = await page.evaluateHandle(
    `(() => { const data = new DataTransfer(); data.items.add(new File([Uint8Array.from(atob("${content.toString("base64")}"), (c) => c.charCodeAt(0))], "${name}")); return data; })()`,
  );
  for (const type of ["dragenter", "dragover", "drop"]) await page.dispatchEvent("#drop", type, { dataTransfer: data });
}

/** Runs in the page: visible texts whose contrast is below WCAG AA. */
const lowContrast = `(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (color) => channels(color).slice(0, 3)
    .map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if ((channels(color)[3] ?? 1) > 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const low = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "");
    if (!own || !element.checkVisibility() || element.closest("noscript, .hidden")) continue;
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(ground(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) low.push(element.outerHTML);
  }
  return low;
})()`;
