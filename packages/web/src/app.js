// The page: choose a file, send it, watch it go, read what became of it. One request, `POST upload`, and `GET health`.
//
// Whatever comes from the file or the server is shown as text nodes, never as markup; the page's policy forbids the rest.
import { toCsv } from "./csv.js";

/** @param {string} id */
const find = (id) => document.getElementById(id);
const form = find("form");
const fileInput = find("file");
const drop = find("drop");
const count = new Intl.NumberFormat("en");

/** The file to send: chosen in the dialog, or dropped. @type {File | undefined} */
let chosen;
/** The upload that runs. @type {XMLHttpRequest | undefined} */
let running;
/** The rejects on show, and what the file with them is called. */
let report = { rejects: [], name: "" };

fileInput.addEventListener("change", () => choose(fileInput.files));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  start();
});
find("cancel").addEventListener("click", () => running?.abort());
find("anyway").addEventListener("click", () => start(true));
find("download").addEventListener("click", () => download(toCsv(report.rejects), report.name));
find("again").addEventListener("click", () => {
  choose();
  show("form");
  fileInput.focus();
});
window.addEventListener("beforeunload", (event) => {
  if (running && !find("cancel").hidden) event.preventDefault();
});

// A file may be dropped anywhere on the page; the browser would open it otherwise.
let depth = 0;
window.addEventListener("dragenter", () => {
  depth++;
  if (!form.hidden) drop.dataset.state = "over";
});
window.addEventListener("dragleave", () => {
  if (--depth === 0) markDrop();
});
window.addEventListener("dragover", (event) => event.preventDefault());
window.addEventListener("drop", (event) => {
  event.preventDefault();
  depth = 0;
  if (form.hidden) return;
  choose(event.dataTransfer?.files);
});

void checkHealth();

/**
 * Takes the one file of a list, or says why not. No list: none is chosen.
 *
 * @param {FileList | null} [files]
 */
function choose(files) {
  const file = files?.[0];
  chosen = undefined;
  showError("");
  if (files && files.length > 1) showError("One file at a time, please.");
  else if (file && !/\.(xlsx|xlsm|xls)$/i.test(file.name))
    showError(`“${file.name}” is no Excel workbook. Choose a file that ends in .xlsx, .xlsm or .xls.`);
  else chosen = file;
  find("file-name").textContent = chosen ? chosen.name : "Drop a workbook here, or choose one";
  find("file-hint").textContent = chosen ? `${bytes(chosen.size)} · choose another` : ".xlsx, .xlsm or .xls";
  if (!chosen) fileInput.value = "";
  markDrop();
  if (chosen) announce(`${chosen.name} chosen.`);
}

function markDrop() {
  if (chosen) drop.dataset.state = "chosen";
  else delete drop.dataset.state;
}

/** @param {boolean} [anyway] also beside the rows of an unfinished import of the same file */
function start(anyway = false) {
  const file = chosen;
  if (!file) {
    showError("Choose a workbook first.");
    fileInput.focus();
    return;
  }
  showError("");
  const query = new URLSearchParams({ method: new FormData(form).get("method") });
  const table = find("table").value.trim();
  if (table) query.set("table", table);
  if (anyway) query.set("resume", "never");
  const body = new FormData();
  body.append("file", file, file.name);

  const request = new XMLHttpRequest();
  running = request;
  let sent = false;
  let clock;
  request.open("POST", `upload?${query}`);
  request.responseType = "json";
  const token = find("token").value;
  if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
  request.upload.addEventListener("progress", ({ loaded, total }) => showUpload(loaded, total));
  request.upload.addEventListener("load", () => {
    sent = true;
    clock = showImporting(file.name);
  });
  request.addEventListener("load", () => finish(request, file.name));
  request.addEventListener("error", () =>
    fail(
      sent
        ? "The connection to the server broke off. An import that has begun goes on without it: look into the table before you import the file again."
        : "The server cannot be reached, or it ended the connection. Is it still running?",
    ),
  );
  request.addEventListener("abort", () => {
    show("form");
    announce("Upload cancelled.");
    find("start").focus();
  });
  request.addEventListener("loadend", () => {
    clearInterval(clock);
    if (running === request) running = undefined;
  });

  find("work-title").textContent = `Uploading ${file.name}`;
  find("cancel").hidden = false;
  showUpload(0, file.size);
  show("work");
  find("work-title").focus();
  request.send(body);
}

/** @param {number} loaded @param {number} total */
function showUpload(loaded, total) {
  find("bar").value = total > 0 ? loaded / total : 0;
  find("work-text").textContent = `${bytes(loaded)} of ${bytes(total)}`;
}

/** @param {string} name @returns the clock that counts the seconds, for `clearInterval` */
function showImporting(name) {
  const started = performance.now();
  const tell = () => {
    const seconds = Math.floor((performance.now() - started) / 1000);
    find("work-text").textContent = `${seconds} s · The import goes on even if you close this page.`;
  };
  find("work-title").textContent = `Importing ${name} …`;
  find("cancel").hidden = true;
  find("bar").removeAttribute("value");
  announce(`Uploaded. Importing ${name}.`);
  tell();
  return setInterval(tell, 1000);
}

/** @param {XMLHttpRequest} request @param {string} name */
function finish(request, name) {
  const answer = request.response;
  if (request.status === 200 && answer) {
    showResult(answer, name);
    return;
  }
  if (request.status === 401) {
    find("token-field").hidden = false;
    fail("This server asks for a token, and the one given is none of its own. Enter it and try again.");
    find("token").focus();
    return;
  }
  fail(answer?.error ?? `The server answered with status ${request.status} and no explanation.`);
  find("anyway").hidden = answer?.code !== "unfinished_import";
  if (request.status >= 500) void checkHealth();
}

/** @param {string} message */
function fail(message) {
  show("form");
  showError(message);
  find("start").focus();
}

function showResult(answer, name) {
  const { stats, rejects = [], notes = [] } = answer;
  const { total_records: total, success_count: inserted, error_count: rejected } = stats;
  const good = rejected === 0;
  find("result-title").textContent = good
    ? "Every row is in"
    : inserted > 0
      ? "Imported, with rejected rows"
      : "No row went in";
  find("result-text").textContent = `${name} → ${answer.table} · ${answer.method}`;
  find("total").textContent = count.format(total);
  find("inserted").textContent = count.format(inserted);
  find("rejected").textContent = count.format(rejected);
  find("rejected").parentElement.toggleAttribute("data-none", good);
  find("duration").textContent = stats.duration;
  find("rate").textContent = count.format(stats.records_per_second);
  showShare(inserted, rejected);
  find("notes").replaceChildren(...notes.map((note) => element("li", note)));
  showRejects(rejects, rejected, name);
  show("result");
  find("result-title").focus();
  announce(
    `Done. ${count.format(inserted)} of ${count.format(total)} rows inserted, ${count.format(rejected)} rejected.`,
  );
}

function showShare(inserted, rejected) {
  const counts = [inserted, rejected];
  for (const [index, part] of [...find("share").children].entries()) {
    part.hidden = counts[index] === 0;
    part.style.flexGrow = String(counts[index]);
  }
}

function showRejects(rejects, rejected, name) {
  find("rejects").hidden = rejects.length === 0;
  find("rejects-title").textContent =
    rejected > rejects.length
      ? `The first ${count.format(rejects.length)} of ${count.format(rejected)} rejected rows`
      : "Rejected rows";
  find("reject-rows").replaceChildren(
    ...rejects.map(({ row, column, value, code, reason }) => {
      const line = document.createElement("tr");
      const number = element("th", String(row), "number");
      number.scope = "row";
      line.append(
        number,
        column === undefined ? element("td", "whole row", "none") : element("td", column),
        value === undefined
          ? element("td", column === undefined ? "" : "empty", "none")
          : element("td", value, "value"),
        element("td", code, "code"),
        element("td", reason, "reason"),
      );
      return line;
    }),
  );
  report = { rejects, name: `${name.replace(/\.[^.]+$/, "")}-rejects.csv` };
}

/** @param {string} text @param {string} name */
function download(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function checkHealth() {
  const health = find("health");
  const answer = await fetch("health").then(
    (response) => response.json(),
    () => undefined,
  );
  const well = answer?.status === "healthy";
  health.dataset.state = well ? "well" : "away";
  health.textContent = well ? "Database ready" : "Database away";
  health.title = answer?.error ?? "";
}

/** Shows one of the three stages. @param {"form" | "work" | "result"} stage */
function show(stage) {
  for (const id of ["form", "work", "result"]) find(id).hidden = id !== stage;
}

/** @param {string} message none takes the last one away */
function showError(message) {
  find("error").textContent = message;
  find("error").hidden = message === "";
  find("anyway").hidden = true;
}

/** Says something to those who do not see the page change. @param {string} message */
function announce(message) {
  find("status").textContent = message;
}

/** @param {string} name @param {string} text @param {string} [className] */
function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** `1536` → `1.5 KiB` @param {number} size */
function bytes(size) {
  const units = ["B", "KiB", "MiB", "GiB"];
  const power = size > 0 ? Math.min(units.length - 1, Math.floor(Math.log2(size) / 10)) : 0;
  const value = size / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
