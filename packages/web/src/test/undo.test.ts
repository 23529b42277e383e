// What can be undone, and what comes in several: rows are taken back, imports deleted, all sheets
// of a workbook imported, and what a fleet has given up tried again. In a real browser, against the
// real service and a real database.
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, withoutBrowser } from "../../../../scripts/browser.ts";
import { people, send } from "../../../sluice/src/server/test/client.ts";
import { startService } from "../../../sluice/src/server/test/service.ts";
import { newFleet } from "../../../sluice/src/server/fleet/test/fleet.ts";
import { server } from "../../../sluice/src/test/database.ts";
import { writeWorkbook } from "../../../sluice/src/test/workbook.ts";
import { begin, idOf, IMPORT, named, openPage, overflow, press, resultOf, violations } from "./page.ts";

const PEOPLE = "name,age\nAda,36\nBob,7\nZoë,4\n";

async function looked(page: Page): Promise<unknown[]> {
  return [await violations(page), await overflow(page)];
}

/** The text of what has the focus. */
const focused = (page: Page): Promise<string> =>
  page.evaluate<string>("document.querySelector('sluice-importer').shadowRoot.activeElement.textContent");

describe.skipIf(withoutBrowser || (server === undefined && !process.env["CI"]))("the page", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  test.each([
    ["light", 1280],
    ["dark", 390],
  ] as const)(
    "takes the rows of an import back by the keyboard, and deletes it from the history, in %s colours, %i wide",
    async (colorScheme, width) => {
      await using service = await startService();
      await using page = await openPage(browser, service.url, { colorScheme, viewport: { width, height: 844 } });
      await page.setInputFiles("#file", named("people.csv", PEOPLE));
      await begin(page);
      expect(await resultOf(page)).toBe("All 3 rows are in");
      await service.database.query("insert into people values ('by hand', 1)");
      await page.focus(".undo summary");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.waitForSelector("text=The 3 rows of this import are in the table people as the import wrote them.");
      expect(await looked(page)).toEqual([[], 0]);
      // Nobody deletes by pressing a key twice.
      expect(await focused(page)).toBe("Keep them");
      await page.keyboard.press("Escape");
      await press(page, "Take the rows back");
      await press(page, "Take 3 rows back");
      await page.waitForSelector("h1 >> text=3 rows were taken back");
      expect(await page.locator(".first-rows").count()).toBe(0);
      expect(await service.database.query("select name from people")).toEqual([["by hand"]]);
      await page.waitForSelector("text=You can import the same file again.");
      // What is left to do has one name, which says that no row goes.
      expect(await page.locator("summary:has-text('elete')").count()).toBe(0);
      await page.getByRole("button", { name: "Delete from the history", exact: true }).click();
      await page.keyboard.press("Escape");
      expect(await looked(page)).toEqual([[], 0]);

      await press(page, "Import another file");
      await page.setInputFiles("#file", named("people.csv", PEOPLE));
      await begin(page);
      expect(await resultOf(page)).toBe("All 3 rows are in");
      await page.click("nav >> text=History");
      await page.waitForSelector(".import-line >> nth=1");
      expect(await page.locator(".import-line .state").allTextContents()).toEqual(["Finished", "Taken back"]);
      await page.locator(".import-line").first().getByRole("button", { name: "Delete people.csv" }).click();
      await page.waitForSelector("text=Its rows stay in the table, and the same file would put them in once more.");
      // The question is below its line, and has room.
      const [line, names, question] = await Promise.all(
        [".import-line:has(.confirm)", ".import-line:has(.confirm) .import-link", ".confirm"].map((part) =>
          page.locator(part).boundingBox(),
        ),
      );
      expect(question!.y).toBeGreaterThanOrEqual(names!.y + names!.height);
      expect(question!.width).toBeGreaterThan(Math.min(line!.width - 40, 700));
      expect(await looked(page)).toEqual([[], 0]);
      await press(page, "Delete from the history");
      await expect.poll(() => page.locator(".import-line .state").allTextContents()).toEqual(["Taken back"]);
      expect(await service.database.query("select count(*) from people")).toEqual([["4"]]);
    },
  );

  test("says why rows stay, and deletes an import from its result", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service.url);
    await page.setInputFiles("#file", named("people.csv", PEOPLE));
    await begin(page);
    await resultOf(page);
    await service.database.query("update people set age = 5 where name = 'Bob'");
    await page.click(".undo summary");
    await press(page, "Take the rows back");
    await page.waitForSelector(".undo .notice.error >> text=of its 3 rows only 2 can be told from others");
    expect(await looked(page)).toEqual([[], 0]);
    await page.locator(".undo").getByRole("button", { name: "Delete from the history", exact: true }).click();
    await page.waitForSelector(".undo >> text=Its rows stay in the table");
    await press(page, "Delete from the history");
    await page.waitForSelector("text=Nothing was imported yet.");
    expect(await service.database.query("select count(*) from sluice.imports")).toEqual([["0"]]);
  });

  test.each([1280, 390])("imports all sheets of a workbook in one go, %i wide", async (width) => {
    await using service = await startService();
    await using page = await openPage(browser, service.url, { viewport: { width, height: 844 } });
    const path = await writeWorkbook(join(service.folder, "two.xlsx"), {
      Cities: [["city"], ["Oslo"], ["Rome"]],
      People: [
        ["name", "age"],
        ["Ada", 36],
      ],
    });
    await page.setInputFiles("#file", path);
    await page.waitForSelector(IMPORT);
    const tabs = page.locator(".tabs[aria-label='Sheets'] button .muted");
    expect(await tabs.allTextContents()).toEqual(["3 rows with the header", "1 row"]);
    await press(page, "Import all sheets");
    await page.waitForSelector("section.all-sheets");
    expect(await tabs.allTextContents()).toEqual(["2 rows", "1 row"]);
    expect(await page.locator("section.all-sheets li").allTextContents()).toEqual([
      "Cities 2 rows into two_cities, a new table",
      "People 1 row into two_people, a new table",
    ]);
    expect(await looked(page)).toEqual([[], 0]);
    expect(await page.locator(".primary").allTextContents()).toEqual(["Import all 2 sheets"]);
    await press(page, "Only one of them");
    expect(await page.locator(".primary").allTextContents()).toEqual(["Import 1 row into two"]);
    await press(page, "Import all sheets");
    await press(page, "Import all 2 sheets");
    await resultOf(page);
    await page.waitForSelector("nav[aria-label='Sheets of this file'] a >> nth=1");
    await expect
      .poll(() => page.locator("nav[aria-label='Sheets of this file'] .state").allTextContents())
      .toEqual(["Finished", "Finished"]);
    expect(await looked(page)).toEqual([[], 0]);
    const first = await idOf(page);
    await page.click("nav[aria-label='Sheets of this file'] a:not([aria-current])");
    await expect.poll(() => idOf(page)).not.toBe(first);
    await resultOf(page);
    expect(await service.database.query("select (select count(*) from two_cities), (select count(*) from two_people)")).toEqual([["2", "1"]]); // prettier-ignore
  });

  test("lists what a fleet has given up, tries it again, and deletes it; without a fleet there is no such list", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    const ids: string[] = [];
    for (const name of ["first.csv", "second.csv"])
      ids.push((await send(at, "/imports", people(3), name, { fields: { table: "people" } })).body.id);
    const outcome = { error: { code: "worker_lost", message: "Three workers were lost with it." } };
    await fleet.database.query(
      `update sluice_fleet.imports set dead = true, job = job || '${JSON.stringify({ state: "failed", outcome })}'`,
    );
    await using page = await openPage(browser, at.url, { viewport: { width: 390, height: 844 } });
    await page.click("nav >> text=Given up");
    await page.waitForSelector(".import-line >> nth=1");
    expect(await page.textContent(".import-line")).toContain("Three workers were lost with it.");
    expect(await looked(page)).toEqual([[], 0]);
    await page.getByRole("button", { name: "Delete second.csv" }).click();
    await press(page, "Delete from the history");
    await expect.poll(() => page.locator(".import-line").count()).toBe(1);
    await fleet.worker();
    await page.getByRole("button", { name: "Resume first.csv" }).click();
    expect(await resultOf(page)).toBe("All 3 rows are in");
    expect(await idOf(page)).toBe(ids[0]);
    await page.click("nav >> text=Given up");
    await page.waitForSelector("text=No import was given up.");

    await using service = await startService();
    await using alone = await openPage(browser, service.url);
    await alone.waitForSelector(".health .product");
    expect(await alone.locator("nav >> text=Given up").count()).toBe(0);
  });
});
