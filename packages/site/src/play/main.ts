// The playground of a page. It is loaded only by pages that have a block which runs.

import { wantsLessMotion } from "../picture/picture.tsx";
import { Block } from "./block.ts";

const blocks = [...document.querySelectorAll<HTMLElement>("figure.runs")].map((figure) => new Block(figure));
const takeShared = (): void => {
  for (const block of blocks) void block.takeShared();
};
takeShared();
// A link to another program for the page that is open changes the fragment only.
addEventListener("hashchange", takeShared);
// The page of a pattern opens with its picture playing. A shared program waits for its reader.
if (location.pathname.includes("/patterns/") && !location.hash.includes("=") && !wantsLessMotion()) blocks[0]?.run();
