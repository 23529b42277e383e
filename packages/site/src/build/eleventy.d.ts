// The part of Eleventy that the site uses. Its package has types only for its configuration.
declare module "@11ty/eleventy" {
  import type MarkdownIt from "markdown-it";

  export interface Config {
    addTemplate(path: string, content: unknown, data?: Readonly<Record<string, unknown>>): void;
    addPassthroughCopy(files: Readonly<Record<string, string>>): void;
    setLibrary(name: "md", library: MarkdownIt): void;
  }

  export class Eleventy {
    constructor(
      input: string,
      output: string,
      options: { quietMode: boolean; configPath: false; config: (config: Config) => unknown },
    );
    write(): Promise<unknown>;
  }
}
