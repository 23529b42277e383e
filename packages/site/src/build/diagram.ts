// Mermaid diagrams as pictures, made when the site is built: one for each theme.

import { renderMermaidSVG } from "beautiful-mermaid";

export interface Diagram {
  readonly light: string;
  readonly dark: string;
  /** A description of the picture, for those who cannot see it. */
  readonly words: string;
}

export function diagramOf(source: string): Diagram {
  return {
    light: picture(source, { bg: "#ffffff", fg: "#1d2733", accent: "#0b6bcb" }),
    dark: picture(source, { bg: "#14191f", fg: "#dfe6ee", accent: "#6cb6ff" }),
    words: inWords(source),
  };
}

function picture(source: string, colours: { bg: string; fg: string; accent: string }): string {
  // A style sheet of another host would be asked for by each reader.
  return renderMermaidSVG(source, { ...colours, transparent: true }).replaceAll(/@import url\([^)]*\);?/g, "");
}

/** The statements of a diagram, as sentences. */
function inWords(source: string): string {
  const names = new Map<string, string>();
  for (const [, id, name] of source.matchAll(
    /\b(\w+)(?:\[\(|\(\(|\{\{|\[|\()"?([^"\])}]+)"?(?:\)\]|\)\)|\}\}|\]|\))/g,
  )) {
    names.set(id as string, name as string);
  }
  for (const [, id, name] of source.matchAll(/participant (\w+) as (.*)/g)) names.set(id as string, name as string);
  const lines = source
    .split("\n")
    .slice(1)
    .map((line) => line.trim());
  const said = lines.flatMap((line) => sentences(line, (id) => names.get(id) ?? id));
  return `Diagram. ${said.join(". ")}.`;
}

function sentences(line: string, nameOf: (id: string) => string): string[] {
  const message = /^(\w+)\s*-{1,2}>{1,2}\s*(\w+): (.*)$/.exec(line);
  if (message) return [`${nameOf(message[1] as string)} to ${nameOf(message[2] as string)}: ${message[3]}`];
  const note = /^Note over (\w+): (.*)$/.exec(line);
  if (note) return [`${nameOf(note[1] as string)}: ${note[2]}`];
  // A chain of nodes: `A[x] -- "label" --> B --> C`.
  const parts = line.split(/\s*(?:--\s*"?([^">-]+?)"?\s*-->|-\.\s*"?([^".]+?)"?\s*\.->|-->)\s*/);
  const said: string[] = [];
  for (let i = 0; i + 3 < parts.length; i += 3) {
    const [from, to] = [parts[i], parts[i + 3]].map((node) => nameOf(/^\w+/.exec(node ?? "")?.[0] ?? ""));
    const label = parts[i + 1] ?? parts[i + 2];
    said.push(`${from} leads to ${to}${label === undefined ? "" : ` (${label})`}`);
  }
  return said;
}
