// The browser that tests use: CHROMIUM_PATH, else Chromium or Chrome from PATH. Where none is
// found, tests that need one say that they skip; in CI that is an error.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";

const program: string | undefined = findBrowser();
if (program === undefined)
  console.warn("No Chromium: tests in a browser are skipped. It is looked for at CHROMIUM_PATH and on PATH.");

/** Whether tests in a browser are to be skipped. */
export const withoutBrowser: boolean = program === undefined && !process.env["CI"];

/** A headless browser that asks nobody but the test's own servers. */
export function launchBrowser(): Promise<Browser> {
  const args = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ];
  // Files in folders with other names than ASCII's are not found in a locale that is not installed.
  const env = { ...process.env, LC_ALL: "C.UTF-8" };
  return chromium.launch({ executablePath: program ?? "chromium", args, env });
}

function findBrowser(): string | undefined {
  const places = [
    process.env["CHROMIUM_PATH"] ?? "",
    "/usr/bin/chromium",
    ...(process.env["PATH"] ?? "")
      .split(delimiter)
      .flatMap((folder) => [join(folder, "chromium"), join(folder, "google-chrome")]),
  ];
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
