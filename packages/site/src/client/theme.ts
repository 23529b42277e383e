// The button for the theme: that of the system, light, dark.

const THEMES = ["system", "light", "dark"] as const;

/** Shows the button. The choice is kept for the next page, if the browser keeps anything. */
export function offerThemes(): void {
  const button = document.querySelector<HTMLButtonElement>("button.theme");
  if (button === null) return;
  const show = (): void => {
    button.textContent = `Theme: ${chosen()}`;
  };
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(chosen()) + 1) % THEMES.length] as (typeof THEMES)[number];
    const { dataset } = document.documentElement;
    if (next === "system") delete dataset["theme"];
    else dataset["theme"] = next;
    try {
      localStorage.setItem("theme", next);
    } catch {
      // Without storage the choice is for this page only.
    }
    show();
  });
  show();
  button.hidden = false;
}

function chosen(): (typeof THEMES)[number] {
  const { theme } = document.documentElement.dataset;
  return theme === "light" || theme === "dark" ? theme : "system";
}
