// The script of every page: the theme, and what is loaded when a reader wants it.

import { offerThemes } from "./theme.ts";

offerThemes();
if (document.querySelector("figure.runs") !== null) void import("../play/main.ts");
