// What somebody has typed, or chosen, and the service does not have yet: it outlives a lost
// connection, another view and another tab. In a real browser, against the real service and a real
// database.
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, withoutBrowser } from "../../../../scripts/browser.ts";
import { ask, csv, ended, send } from "../../../sluice/src/server/test/client.ts";
import { startService, type Service } from "../../../sluice/src/server/test/service.ts";
import { server } from "../../../sluice/src/test/database.ts";
import { idOf, IMPORT, named, openPage, press, violations } from "./page.ts";

const OFFLINE = { foreseen: [/ERR_(?:INTERNET_DISCONNECTED|FAILED)/] };
const SEND = ".send .primary";

describe.skipIf(withoutBrowser || (server === undefined && !process.env["CI"]))("the page", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  test("keeps the repairs that cannot be sent, says why beside the button, and sends them later", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service.url, { ...OFFLINE, path: await withRejects(service) });
    await type(page, 0, "36");
    await page.context().setOffline(true);
    await page.click(SEND);
    await page.waitForSelector(".send .notice >> text=The server cannot be reached. Your changes stay here");
    await page.waitForSelector(".health.away >> text=Server away");
    expect(await age(page, 0).textContent()).toBe("36");
    expect(await violations(page)).toEqual([]);
    // Somebody repairs the other row meanwhile: it is seen as soon as the server is back.
    await repair(service, page, 4, "7");
    await page.context().setOffline(false);
    await page.waitForSelector("#repair-title >> text=1 row to repair");
    await expect.poll(() => page.locator(".send .notice").count()).toBe(0);
    expect(await age(page, 0).textContent()).toBe("36");
    await page.click(SEND);
    await page.waitForSelector("text=There is nothing left to repair");
    expect(await ages(service)).toEqual(["1", "7", "36"]);
  });

  test("says of a row whose answer was lost that it may have gone in", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service.url, { ...OFFLINE, path: await withRejects(service) });
    await type(page, 0, "36");
    await page.route("**/rejects", async (route) => {
      if (route.request().method() !== "PATCH") return await route.continue();
      await route.fetch();
      await route.abort();
    });
    await page.click(SEND);
    await page.waitForSelector("text=Row 3 needs no repair any more.");
    expect(await page.textContent(".result > .notice.error")).toContain("either “36” went in, or somebody else");
    expect(await page.textContent("#repair-title")).toBe("1 row to repair");
    expect(await ages(service)).toEqual(["1", "36"]);
  });

  test("keeps repairs while another view is shown, and asks before a reload throws them away", async () => {
    await using service = await startService();
    const path = await withRejects(service);
    await using page = await openPage(browser, service.url, { path });
    const asked: string[] = [];
    let accept = false;
    page.on("dialog", (dialog) => {
      asked.push(dialog.type());
      void (accept ? dialog.accept() : dialog.dismiss());
    });
    await page.reload();
    await type(page, 1, "7");
    await page.click("nav >> text=History");
    await page.waitForSelector(".import-line");
    await page.goBack();
    await page.waitForSelector(".repair .grid");
    expect(await age(page, 1).textContent()).toBe("7");
    expect(asked).toEqual([]);
    // In the browser's own words.
    await page.evaluate("setTimeout(() => location.reload())");
    await expect.poll(() => asked).toEqual(["beforeunload"]);
    expect(await age(page, 1).textContent()).toBe("7");
    await page.click(SEND);
    await page.waitForSelector("text=1 row went in");
    accept = true;
    await page.reload();
    await page.waitForSelector("#repair-title >> text=1 row to repair");
    expect(asked).toEqual(["beforeunload"]);
  });

  test("says that a row was repaired elsewhere, and what did not go in, also if it was the last one", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service.url, { path: await withRejects(service) });
    await type(page, 0, "36");
    await repair(service, page, 3, "35");
    await page.click(SEND);
    await page.waitForSelector("text=Row 3 was repaired elsewhere. What you typed did not go in: “36”.");
    expect(await page.locator(".notice.good").count()).toBe(0);
    await page.waitForSelector("#repair-title >> text=1 row to repair");
    await press(page, "I have read it");
    await expect.poll(() => page.locator(".notice.error").count()).toBe(0);
    await type(page, 0, "8");
    await repair(service, page, 4, "7");
    await page.click(SEND);
    await page.waitForSelector("text=Row 4 was repaired elsewhere. What you typed did not go in: “8”.");
    await page.waitForSelector("text=There is nothing left to repair");
    expect(await violations(page)).toEqual([]);
    expect(await ages(service)).toEqual(["1", "7", "35"]);
  });

  test("sends a file again by itself when the server is back", async () => {
    await using service = await startService();
    await using page = await openPage(browser, service.url, OFFLINE);
    await page.waitForSelector(".health .product");
    await page.context().setOffline(true);
    await page.setInputFiles("#file", named("people.csv", "name\nAda\n"));
    await page.waitForSelector("text=As soon as it is back, the file is sent again by itself.");
    await page.context().setOffline(false);
    await page.waitForSelector(IMPORT);
  });

  test("shows a list that could not be loaded when the server is back", async () => {
    await using service = await startService();
    await withRejects(service);
    await using page = await openPage(browser, service.url, OFFLINE);
    await page.waitForSelector(".health .product");
    await page.context().setOffline(true);
    await page.click("nav >> text=History");
    await page.waitForSelector(".notice.error >> text=The server cannot be reached");
    await page.context().setOffline(false);
    await page.waitForSelector(".import-line");
    expect(await page.locator(".notice.error").count()).toBe(0);
  });

  test("says that a token is wrong, and takes the right one after it", async () => {
    await using service = await startService({ token: "right" });
    await using page = await openPage(browser, service.url);
    await page.waitForSelector("#token");
    expect(await page.locator(".token .error").count()).toBe(0);
    await page.fill("#token", "wrong");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".token .error >> text=The server does not take this token.");
    expect(await violations(page)).toEqual([]);
    await page.fill("#token", "right");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".health .product");
    expect(await page.locator("#token").count()).toBe(0);
  });
});

/** An import of three rows, of which 3 and 4 are rejected. @returns its address */
async function withRejects(service: Service): Promise<string> {
  const fields = { table: "people", type: "age=integer" };
  const { body } = await send(service, "/imports", csv("name,age\nAda,1\nBob,x\nZoë,y\n"), "people.csv", { fields });
  expect(await ended(service, body.id)).toMatchObject({ state: "finished", rejected: 2 });
  return `/#/imports/${body.id}`;
}

/** The cell of the age in a line of the grid. */
function age(page: Page, line: number): Locator {
  return page.locator(`.repair [aria-rowindex="${line + 2}"] > [aria-colindex="4"]`);
}

async function type(page: Page, line: number, text: string): Promise<void> {
  await page.waitForSelector(".repair .grid");
  await age(page, line).click();
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
  await expect.poll(() => age(page, line).textContent()).toBe(text);
}

/** Somebody else repairs a row. */
async function repair(service: Service, page: Page, row: number, age: string): Promise<void> {
  const body = JSON.stringify({ rows: [{ row, cells: { age } }] });
  const headers = { "content-type": "application/json" };
  const { status } = await ask(service, "PATCH", `/imports/${await idOf(page)}/rejects`, { body, headers });
  expect(status).toBe(200);
}

async function ages(service: Service): Promise<unknown[]> {
  return (await service.database.query("select age from people order by age")).flat();
}
