// The element's style sheets, made once for all elements of a page. As objects they need no inline
// style, so a strict Content-Security-Policy allows them.
import base from "./base.css?inline";
import grid from "./grid.css?inline";
import views from "./views.css?inline";

let made: CSSStyleSheet[] | undefined;

export function sheets(): CSSStyleSheet[] {
  return (made ??= [base, grid, views].map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  }));
}
