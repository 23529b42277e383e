// The script of every page: the theme, and what is loaded when a reader wants it.

import { offerThemes } from "./theme.ts";

const root = new URL(document.body.dataset["root"] ?? "./", location.href);

offerThemes();
offerSearch();
if (document.querySelector("figure.runs") !== null) void import("../play/main.ts");

function offerSearch(): void {
  const button = document.querySelector<HTMLButtonElement>("button.search");
  if (button === null) return;
  const open = async (): Promise<void> => (await import("./search.ts")).openSearch(root);
  button.hidden = false;
  button.addEventListener("click", () => void open());
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    const isField = target instanceof HTMLElement && target.matches("input:not([type=range]), textarea, select");
    if (event.key !== "/" || isField || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    void open();
  });
}
