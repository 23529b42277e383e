// Sets the theme that the reader has chosen, before the page is drawn. Without a choice, that of
// the system applies.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // The browser keeps nothing for this page.
}
