// The whole way through the page, in a real browser, against the real service and a real database.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { open } from "@sluice/sheets";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, withoutBrowser } from "../../../../scripts/browser.ts";
import { business, HEADER, startService, type Service } from "../../../sluice/src/server/test/service.ts";
import { createServer } from "../../../sluice/src/server/app.ts";
import { hold, newFolder, server, type Held } from "../../../sluice/src/test/database.ts";
import { writeWorkbook, type TestCell } from "../../../sluice/src/test/workbook.ts";
import { begin, cellsOf, idOf, IMPORT, named, openPage, press, overflow, resultOf, violations } from "./page.ts";

const MARKUP = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;
/** Four of these rows break a rule of the directory, each another one. */
const BAD_ROWS: readonly (readonly TestCell[])[] = [
  business(1),
  business(2).with(3, "no address"),
  business(3).with(3, "neither, at, all"),
  ["", ...business(4).slice(1)],
  ["too", "short"],
];

// In CI a missing browser is a failure, not a skip.
describe.skipIf(withoutBrowser || (server === undefined && !process.env["CI"]))("the page", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  test("takes a text file from its first look into a new table, and finds it again in the history", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service.url);
    await page.setInputFiles("#file", named("people.csv", "Name;Age\nAda;36\nZoë;7\n"));
    await page.waitForSelector(IMPORT);
    expect(await page.textContent("h1")).toBe("people.csv");
    expect(await page.inputValue("#table")).toBe("people");
    expect(await page.locator(".grid-column .type").allTextContents()).toEqual(["text", "integer"]);
    expect(await page.textContent(IMPORT)).toBe("Import 2 rows into people");
    expect(await page.textContent(".sql")).toContain(`create table "people"`);
    // Nothing is written before the button is pressed.
    expect(await service.database.query("select to_regclass('people')::text")).toEqual([[null]]);
    await begin(page);
    expect(await resultOf(page)).toBe("All 2 rows are in");
    expect(await page.evaluate("document.querySelector('sluice-importer').shadowRoot.activeElement.tagName")).toBe(
      "H1",
    );
    expect(await service.database.query("select * from people order by 1")).toEqual([
      ["Ada", "36"],
      ["Zoë", "7"],
    ]);
    await page.waitForSelector(".first-rows");
    expect(await page.locator(".first-rows td").allTextContents()).toEqual(expect.arrayContaining(["Ada", "36"]));

    await page.click("nav >> text=History");
    await page.waitForSelector(".import-line");
    expect(await page.textContent(".import-line")).toContain("people.csv");
    await page.fill("#history-search", "nothing of that name");
    await page.waitForSelector("text=No import matches");
    await page.fill("#history-search", "PEOPLE");
    await page.click(".import-link");
    expect(await resultOf(page)).toBe("All 2 rows are in");

    // The same file again is not put in twice, unless somebody says so.
    await press(page, "Import another file");
    await page.setInputFiles("#file", named("people.csv", "Name;Age\nAda;36\nZoë;7\n"));
    await begin(page);
    expect(await resultOf(page)).toBe("These rows are in the table already");
    await press(page, "Import the rows once more");
    await page.waitForSelector("text=All 2 rows are in");
    expect(await service.database.query("select count(*) from people")).toEqual([["4"]]);
  });

  test("repairs rejected rows, in the grid and by find and replace, until none is left", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service.url);
    await page.setInputFiles("#file", await workbook(service, BAD_ROWS));
    await page.waitForSelector(IMPORT);
    expect(await page.textContent(".import-bar")).toContain("4 rows do not fit");
    expect(await page.textContent(IMPORT)).toBe("Import 1 row into businesses");
    expect(await page.locator(".grid-cell.faulty > bdi").allTextContents()).toContain("no address");
    await begin(page);
    expect(await resultOf(page)).toBe("1 of 5 rows are in");
    await page.waitForSelector(".repair .grid");
    expect(await page.textContent("#repair-title")).toBe("4 rows to repair");
    await page.click(".chip:has-text('invalid email')");
    await page.waitForSelector(".repair .grid[aria-rowcount='3']");

    // Find and replace, undone and made again.
    await page.click("summary:has-text('Find and replace')");
    await page.fill("#find", "no address");
    await page.fill("#replace", "b2@example.com");
    await press(page, "Replace in 1 cell");
    await expect.poll(() => cellsOf(page, 0)).toContain("b2@example.com");
    await press(page, "Undo");
    await expect.poll(() => cellsOf(page, 0)).toContain("no address");
    await press(page, "Redo");
    await page.click("label:has-text('Only rows that still have errors')");
    await page.waitForSelector(".repair .grid[aria-rowcount='2']");
    await page.click("label:has-text('Only rows that still have errors')");
    await page.waitForSelector(".repair .grid[aria-rowcount='3']");
    // Another row is still wrong after its repair: it stays, with the reason of now.
    await change(page, 1, "Email", "not yet");
    await page.click(".send .primary");
    await page.waitForSelector("text=1 row went in. 1 row is still refused");
    expect(await service.database.query("select count(*) from businesses")).toEqual([["2"]]);

    await page.click(".chip:has-text('All')");
    await page.waitForSelector(".repair .grid[aria-rowcount='4']");
    await change(page, 0, "Email", "b3@example.com");
    await change(page, 1, "Name", "Business 4");
    for (const [n, header] of HEADER.entries()) if (n > 1) await change(page, 2, header, business(5)[n]!);
    await press(page, "Import 3 changed rows into businesses");
    await page.waitForSelector("text=There is nothing left to repair");
    expect(await page.textContent("h1")).toBe("All 5 rows are in");
    expect(await service.database.query("select name from businesses order by 1")).toEqual([
      ["Business 1"],
      ["Business 2"],
      ["Business 3"],
      ["Business 4"],
      ["too"],
    ]);
  });

  test("a click chooses a rejected cell, also the one that Enter came to, and a double click edits it", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service.url);
    await page.setInputFiles("#file", await workbook(service, BAD_ROWS));
    await begin(page);
    await page.waitForSelector(".repair .grid");
    const email = (row: number): Locator =>
      page.locator(`.repair [aria-rowindex="${row + 2}"] > [aria-colindex="${HEADER.indexOf("Email") + 3}"]`);
    await email(0).click();
    await page.keyboard.type("b2@example.com");
    await page.keyboard.press("Enter");
    await expect.poll(() => email(0).textContent()).toBe("b2@example.com");
    await email(1).click();
    await page.keyboard.press("Enter");
    expect(await page.inputValue(".cell-editor")).toBe("neither, at, all");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("b3@example.com");
    await page.keyboard.press("Enter");
    await expect.poll(() => email(1).textContent()).toBe("b3@example.com");
    // Nobody pressed Enter before this click.
    await email(1).click();
    await page.keyboard.type("b4@example.com");
    await email(0).dblclick();
    expect(await page.inputValue(".cell-editor")).toBe("b2@example.com");
    await page.locator(".cell-editor").dblclick();
    await page.keyboard.press("Escape");
    expect([await email(0).textContent(), await email(1).textContent()]).toEqual(["b2@example.com", "b4@example.com"]);
  });

  test("gives the rejected rows as files with the columns of the sheet", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service.url);
    await page.setInputFiles("#file", await workbook(service, [business(1), business(2).with(3, "=1+1")]));
    await begin(page);
    await resultOf(page);
    for (const [name, kind] of [
      ["CSV", "csv"],
      ["Excel", "xlsx"],
    ] as const) {
      // prettier-ignore
      const [download] = await Promise.all([page.waitForEvent("download"), page.click(`.repair button:has-text("${name}")`)]);
      expect(download.suggestedFilename()).toBe(`businesses-rejects.${kind}`);
      const path = join(service.folder, `rejects.${kind}`);
      await writeFile(path, await readFile(await download.path()));
      await using file = await open(path);
      const rows: unknown[][] = [];
      for await (const row of file.sheet().rows()) rows.push([...row.values]);
      expect(rows[0]).toEqual(expect.arrayContaining(["reason", "Name", "Email"]));
      expect(rows[1]).toContain("Business 2");
      // In a text file nothing may begin a formula.
      if (kind === "csv") expect(await readFile(path, "utf8")).not.toMatch(/[,"]=1\+1/);
    }
  });

  test("reads a messy workbook as somebody says: sheet, header, types, notations, marks and names", async () => {
    await using service = await startService();
    const path = await writeWorkbook(join(service.folder, "Q3 report.xlsx"), {
      Cover: [["Quarterly report"], [], ["Contact: stats@example.org"]],
      Figures: [
        ["Figures of 2031"],
        ["Branch", "Loans", "Spent", "Note"],
        ["A", "1.250", "1.234,50", "x"],
        ["B", "keine", "2,75", "y"],
        ["C", "980", "-3,00", "z"],
        ["D", "7", "0,25", ""],
      ],
    });
    await using page = await openPage(browser, service.url, { path: "/?table=figures_2031" });
    await page.setInputFiles("#file", path);
    await page.waitForSelector(IMPORT);
    expect(await page.inputValue("#table")).toBe("figures_2031");
    await page.click(".tabs >> text=Cover");
    await page.waitForSelector(".grid-row:has-text('Quarterly report')");
    await page.click(".tabs >> text=Figures");
    await page.waitForSelector(".grid-column:has-text('Spent')");
    // The header is wrong on purpose, and put right again by a click on the row's number.
    await page.selectOption("#header", "3");
    await page.waitForSelector(".grid-column:has-text('1.250')");
    await page.click(".grid-row:has-text('Branch') .grid-number");
    await page.waitForSelector(".grid-column:has-text('Loans')");

    await page.click(".grid-column:has-text('Loans')");
    await page.fill("#name-B", "loans");
    await page.selectOption("#type-B", "integer");
    await page.selectOption("#notation-B", "1.234,56");
    await page.waitForSelector(".panel >> text=keine");
    await page.fill("#nulls-B", "keine");
    await page.press("#nulls-B", "Tab");
    await page.waitForSelector(".grid-cell.missing:has-text('keine')");
    await page.click(".grid-column:has-text('Note')");
    await page.click("label:has-text('Import this column')");
    await page.waitForSelector(".head-column.out");
    await begin(page);
    expect(await resultOf(page)).toBe("All 4 rows are in");
    expect(
      await service.database.query(
        "select column_name, data_type from information_schema.columns where table_name = 'figures_2031' order by ordinal_position",
      ),
    ).toEqual([
      ["branch", "text"],
      ["loans", "integer"],
      ["spent", "numeric"],
    ]);
    expect(await service.database.query("select * from figures_2031 order by branch")).toEqual([
      ["A", "1250", "1234.50"],
      ["B", null, "2.75"],
      ["C", "980", "-3.00"],
      ["D", "7", "0.25"],
    ]);

    // A file with the same headers is offered the same choices.
    await page.goto(`${service.url}/#/`);
    await page.setInputFiles("#file", path);
    await press(page, "Use those choices");
    await page.waitForSelector(".head-column.out");
    expect(await page.inputValue("#header")).toBe("2");
  });

  test("says in which order the dates of a text file are read", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service.url);
    await page.setInputFiles(
      "#file",
      named("people.csv", "Name;Born;Left\nAda;02/02/2023;31/12/2024\nBob;13/02/2023;\n"),
    );
    await page.waitForSelector(IMPORT);
    expect(await page.locator(".grid-column .type").allTextContents()).toEqual([
      "text",
      "date as DD/MM/YYYY",
      "date as DD/MM/YYYY",
    ]);
    expect(await page.textContent(".summary .lines")).toContain(`The dates of "born", "left" are read as DD/MM/YYYY`);
    // What somebody chose is not assumed.
    await page.click(".grid-column:has-text('Born')");
    await page.selectOption("#notation-B", "MM/DD/YYYY");
    await page.waitForSelector(".grid-column:has-text('MM/DD/YYYY')");
    await page.click("button[aria-label='Close']");
    await page.waitForSelector('text=The dates of "left" are read as DD/MM/YYYY');
    await page.setViewportSize({ width: 390, height: 844 });
    await page.waitForSelector(".columns .type >> text=date as MM/DD/YYYY");
    expect(await overflow(page)).toBe(0);
  });

  test("shows what a hostile file holds as text, and nothing more", async () => {
    await using service = await startService();
    const long = `${"x".repeat(5000)}end`;
    const path = await writeWorkbook(join(service.folder, "f.xlsx"), {
      [`<b>S</b>`]: [
        [MARKUP, "עברית", "=1+1", "Emoji 👨‍👩‍👧‍👦"],
        [MARKUP, "שלום 0 bad-mail", `=HYPERLINK("https://evil.example")`, "🏳️‍🌈"],
        [long, "قائمة", "'); drop table x; --", "\u202egnp.exe"],
      ],
    });
    await using page = await openPage(browser, service.url);
    await page.setInputFiles("#file", named(`${MARKUP.slice(0, 40)} عربي.xlsx`, await readFile(path)));
    await page.waitForSelector("#table");
    await page.fill("#table", "hostile");
    await begin(page);
    expect(await resultOf(page)).toBe("All 2 rows are in");
    await page.waitForSelector(".first-rows td");
    expect(await page.locator(".first-rows td >> text=drop table").count()).toBe(1);
    await page.click("nav >> text=History");
    await page.waitForSelector(".import-line");
    expect(await page.locator("img, script[src*=evil], .view b").count()).toBe(0);
    expect(await page.evaluate("window.hacked")).toBeUndefined();
    expect(
      await service.database.query("select length(max(c.v)) from hostile h, lateral (values (h::text)) c(v)"),
    ).toEqual([[expect.stringMatching(/^5\d\d\d$/)]]);
    // Data has its own direction wherever it stands.
    expect(await page.locator(".import-names bdi").count()).toBeGreaterThan(0);
    expect(await overflow(page)).toBe(0);
  });

  test("follows an import that another tab began, and cancels it half-way in both", async () => {
    await using service = await startService();
    // A page that is left ends its events in the middle.
    const foreseen = [/ERR_INCOMPLETE_CHUNKED_ENCODING/];
    await using page = await openPage(browser, service.url, { foreseen });
    await using held = await holdRows(service, 300);
    await page.setInputFiles("#file", named("people.csv", numbers(1000)));
    await page.click("summary:has-text('Advanced')");
    await page.fill("#option-chunkRows", "100");
    await page.press("#option-chunkRows", "Tab");
    await begin(page);
    await page.waitForSelector("text=/[1-9]00 rows done/");
    // The stages come with the first event, the counts of rows with the import itself.
    await page.waitForSelector(".worker >> nth=2");
    expect(await page.locator(".tank").count()).toBe(2);
    const id = await idOf(page);
    await using other = await openPage(browser, service.url, { foreseen, path: `/#/imports/${id}` });
    await other.waitForSelector("text=/[1-9]00 rows done/");
    // What was chosen is still there after a reload, and so is the import.
    await page.reload();
    await page.waitForSelector(".run");
    // The rest of the rows would be in before the server has heard of it.
    const heard = other.waitForResponse((response) => response.request().method() === "DELETE");
    await press(other, "Cancel");
    await heard;
    await held.release();
    expect(await resultOf(other)).toBe("The import was cancelled");
    expect(await resultOf(page)).toBe("The import was cancelled");
    const [[rows]] = (await service.database.query("select count(*) from people")) as [[string]];
    expect(Number(rows)).toBeLessThan(1000);
    expect(await page.textContent(".notice")).toContain(
      `${Number(rows) - 1} rows went in before, and stay in the table`,
    );
  });

  test("finds its import again after the server was started again half-way, and all rows go in once", async () => {
    await using uploads = newFolder();
    await using service = await startService({ uploadDir: uploads.path });
    await using page = await openPage(browser, service.url, {
      foreseen: [/ERR_CONNECTION_|ERR_INCOMPLETE|ERR_EMPTY|status of 503/],
    });
    await using held = await holdRows(service, 300);
    await page.setInputFiles("#file", named("people.csv", numbers(1000)));
    await page.click("summary:has-text('Advanced')");
    await page.fill("#option-chunkRows", "100");
    await page.press("#option-chunkRows", "Tab");
    await begin(page);
    await page.waitForSelector("text=/[1-9]00 rows done/");
    const closed = service.app.close();
    await page.waitForSelector("text=The connection is lost, and is tried again");
    await held.release();
    await closed;
    const next = await createServer({ target: service.target, uploadDir: uploads.path });
    try {
      await next.listen({ host: "127.0.0.1", port: service.port });
      expect(await resultOf(page)).toBe("All 1,000 rows are in");
      expect(await service.database.query("select count(*), count(distinct n) from people")).toEqual([
        ["1001", "1001"],
      ]);
    } finally {
      await next.close();
    }
  });

  test("works from the keyboard alone", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service.url);
    await page.focus("#file");
    await page.setInputFiles("#file", await workbook(service, BAD_ROWS.slice(0, 2)));
    await page.waitForSelector(IMPORT);
    const active = (what: string): Promise<unknown> =>
      page.evaluate(`document.querySelector("sluice-importer").shadowRoot.activeElement${what}`);
    await page.focus("#table");
    await page.keyboard.press("Tab");
    await expect.poll(() => active(".id")).toBe("header");
    await page.keyboard.press("Tab");
    await expect.poll(() => active(".className")).toContain("grid-cell");
    // Up to the heading, into its panel, and back out.
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => active(".textContent")).toContain("Category");
    await page.keyboard.press("Enter");
    await expect.poll(() => active(".id")).toBe("column-title");
    await page.keyboard.press("Escape");
    await page.waitForSelector("#summary-title");
    await page.focus(IMPORT);
    await page.keyboard.press("Enter");
    expect(await resultOf(page)).toBe("1 of 2 rows are in");
    await page.waitForSelector(".repair .grid");
    await page.focus(".repair .grid [tabindex='0']");
    for (let n = 0; n < 4; n++) await page.keyboard.press("ArrowRight");
    await expect.poll(() => active(".textContent")).toContain("no address");
    await page.keyboard.type("b2@example.com");
    await page.keyboard.press("Enter");
    await expect.poll(() => cellsOf(page, 0)).toContain("b2@example.com");
    await page.keyboard.press("Control+z");
    await expect.poll(() => cellsOf(page, 0)).toContain("no address");
    await page.keyboard.press("Control+y");
    await expect.poll(() => cellsOf(page, 0)).toContain("b2@example.com");
    await page.focus(".send .primary");
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=There is nothing left to repair");
  });

  test.each([
    ["light", 1280],
    ["dark", 390],
  ] as const)(
    "has nothing that axe finds wrong in %s colours, %i wide, and nothing scrolls sideways",
    async (colorScheme, width) => {
      await using service = await startService();
      await using page = await openPage(browser, service.url, {
        colorScheme,
        viewport: { width, height: 844 },
        reducedMotion: "reduce",
      });
      const looked = async (): Promise<unknown[]> => [await violations(page), await overflow(page)];
      await page.waitForSelector("#file");
      expect(await looked()).toEqual([[], 0]);
      await page.setInputFiles("#file", await workbook(service, BAD_ROWS));
      await page.waitForSelector(IMPORT);
      if (width > 700) await page.click(".grid-column:has-text('Email')");
      else await page.click(".columns summary:has-text('Email')");
      await page.click("summary:has-text('Advanced')");
      expect(await looked()).toEqual([[], 0]);
      await begin(page);
      await page.waitForSelector(width > 700 ? ".repair .grid" : ".reject");
      await page.waitForSelector(".first-rows");
      expect(await looked()).toEqual([[], 0]);
      if (width < 700) {
        // The reason is below its value.
        const [value, reason] = await Promise.all([
          page.locator(".reject .field.wrong input").first().boundingBox(),
          page.locator(".reject p.error").first().boundingBox(),
        ]);
        expect(reason!.y).toBeGreaterThan(value!.y);
        await page.locator(".reject .field.wrong input").first().fill("b2@example.com");
        await press(page, "Import 1 changed row into businesses");
        await page.waitForSelector("text=1 row went in");
      }
      await page.click("nav >> text=History");
      await page.waitForSelector(".import-line");
      expect(await looked()).toEqual([[], 0]);
    },
  );

  test("asks for the token that the server asks for, and puts it nowhere but into its header", async () => {
    const token = "t0ken-of-the-page";
    await using service = await startService({ token });
    await using page = await openPage(browser, service.url);
    const sent: string[] = [];
    page.on("request", (request) => {
      const { authorization: _, ...headers } = request.headers();
      sent.push(request.url(), JSON.stringify(headers), request.postData() ?? "");
    });
    await page.waitForSelector("#token");
    await page.fill("#token", token);
    await page.keyboard.press("Enter");
    await page.setInputFiles("#file", named("people.csv", numbers(3)));
    await begin(page);
    expect(await resultOf(page)).toBe("All 3 rows are in");
    const places = await page.evaluate<string>(
      `JSON.stringify([location.href, document.title, document.documentElement.getHTML({ serializableShadowRoots: true, shadowRoots: [document.querySelector("sluice-importer").shadowRoot] }), document.cookie, { ...localStorage }, { ...sessionStorage }, history.state, performance.getEntries().map(({ name }) => name)])`,
    );
    for (const place of [...sent, places]) expect(place).not.toContain(token);
  });

  test("takes several files, and says at the field which table it may not write to", async () => {
    await using service = await startService();
    await service.database.query("create table theirs (n integer)");
    await using page = await openPage(browser, service.url);
    await page.setInputFiles("#file", [
      named("a.csv", numbers(3)),
      named("theirs.csv", numbers(4)),
      named("c.csv", numbers(5)),
    ]);
    await page.waitForSelector(IMPORT);
    await page.click(".strip >> text=theirs.csv");
    await page.waitForSelector(".notice.error");
    const refusal = await page.textContent(".notice.error");
    expect(refusal).toContain("theirs");
    expect(refusal).toContain("If that is you, start it with --allow TABLE");
    await page.fill("[aria-label='Another table']", "ours");
    await press(page, "Use it");
    await page.waitForSelector(IMPORT);
    await press(page, "Import all 3 as they are");
    await page.waitForSelector(".import-line:nth-child(3)");
    await expect
      .poll(() =>
        service.database
          .query("select (select count(*) from a), (select count(*) from ours), (select count(*) from c)")
          .catch(() => []),
      )
      .toEqual([["3", "4", "5"]]);
  });

  test("takes a file that is dropped, and cells that are pasted", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service.url);
    const data = await page.evaluateHandle(
      `(() => { const data = new DataTransfer(); data.items.add(new File(["n\\n1\\n2\\n"], "dropped.csv")); return data; })()`,
    );
    for (const type of ["dragenter", "dragover", "drop"])
      await page.dispatchEvent(".drop", type, { dataTransfer: data });
    await page.waitForSelector(IMPORT);
    expect(await page.textContent("h1")).toBe("dropped.csv");
    await page.click("nav >> text=Import");
    await page.waitForSelector("text=Not imported yet");
    await page.evaluate(
      `(() => { const clipboardData = new DataTransfer(); clipboardData.setData("text/plain", "City\\tRain\\nOslo\\t763\\n"); document.dispatchEvent(new ClipboardEvent("paste", { clipboardData })); })()`,
    );
    await page.waitForSelector(".grid-column:has-text('Rain')");
    expect(await page.textContent("h1")).toBe("pasted.tsv");
  });
});

function workbook(service: Service, rows: readonly (readonly TestCell[])[]): Promise<string> {
  return writeWorkbook(join(service.folder, "businesses.xlsx"), { Sheet1: [HEADER, ...rows] });
}

/** A column of numbers from 1 on. */
function numbers(rows: number): string {
  return `n\n${Array.from({ length: rows }, (_, n) => `${n + 1}\n`).join("")}`;
}

/** Changes a cell of the rejected rows as somebody does with a mouse. */
async function change(page: Page, row: number, header: string, text: string): Promise<void> {
  const heads = await page.locator(".repair .grid-column").allTextContents();
  const at = heads.findIndex((head) => head === header);
  await page.focus(".repair .grid [tabindex='0']");
  await page.keyboard.press("Control+Home");
  for (let n = 0; n < row; n++) await page.keyboard.press("ArrowDown");
  // Headings that are out of sight are not in the document: the column is counted from the first
  // one.
  const steps = at >= 0 ? at : HEADER.indexOf(header) + 1;
  for (let n = 0; n < steps; n++) await page.keyboard.press("ArrowRight");
  await page.waitForSelector(`.repair [aria-rowindex="${row + 2}"] > [aria-colindex="${steps + 2}"][tabindex="0"]`);
  await page.keyboard.press("F2");
  await page.fill(".cell-editor", text);
  await page.keyboard.press("Enter");
}

/**
 * Makes the table `people` with one row. Rows of more than `n` wait in it until they are released.
 */
async function holdRows(service: Service, n: number): Promise<Held> {
  const body = new FormData();
  body.append("table", "people");
  body.append("file", new Blob(["n\n0\n"]), "first.csv");
  await fetch(`${service.url}/imports`, { method: "POST", body });
  await expect.poll(() => service.database.query("select n from people").catch(() => [])).toEqual([["0"]]);
  await service.database.query(`create function wait() returns trigger language plpgsql as $$ begin
    if new.n > ${n} then perform pg_advisory_xact_lock_shared(16); end if; return new; end $$`);
  await service.database.query("create trigger wait before insert on people for each row execute function wait()");
  return await hold(service.database, "select pg_advisory_xact_lock(16)");
}
