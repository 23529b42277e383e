// A block of a page that runs: editor, buttons, terminal and picture.

import { effect } from "@preact/signals";
import type { PrismEditor } from "prism-code-editor";
import { drawPicture, wantsLessMotion } from "../picture/picture.tsx";
import { Player } from "../picture/player.ts";
import { editorInPlaceOf } from "./editor.ts";
import { run } from "./run.ts";
import { fragmentOf, programOf } from "./share.ts";

const root = new URL(document.body.dataset["root"] ?? "./", location.href);

export class Block {
  readonly #figure: HTMLElement;
  readonly #name: string;
  readonly #code: string;
  /** How its programs run: `race`, `stacks`. */
  readonly #meta: readonly string[];
  readonly #editor: PrismEditor;
  readonly #status = document.createElement("span");
  readonly #run = button("Run", "run", () => this.run());
  readonly #stop = button("Stop", "stop", () => this.#stopped());
  readonly #reset = button("Reset", "reset", () => this.#editor.setOptions({ value: this.#code }));
  readonly #picture = document.createElement("div");
  #player: Player | undefined;
  #end: (() => void) | undefined;
  #unmark: (() => void) | undefined;

  /** Makes a figure of the page, which has a block's code and output, an editor with buttons. */
  constructor(figure: HTMLElement) {
    this.#figure = figure;
    this.#name = `program ${figure.id.replace("block-", "")}`;
    this.#meta = (figure.dataset["meta"] ?? "").split(" ");
    const source = figure.querySelector("pre.source") as HTMLElement;
    this.#code = (source.textContent ?? "").replace(/\n$/, "");
    this.#editor = editorInPlaceOf(source, this.#code, `The code of ${this.#name}`, () => {
      this.#reset.disabled = this.#editor.value === this.#code;
    });
    this.#status.setAttribute("role", "status");
    this.#stop.hidden = true;
    this.#reset.disabled = true;
    const bar = document.createElement("div");
    bar.className = "bar";
    const share = button("Share", "share", () => void this.#share());
    bar.append(this.#run, this.#stop, this.#reset, share, this.#status);
    this.#editor.container.parentElement?.after(bar);
    figure.append(this.#picture);
  }

  /** Shows the program of the address, if that has one for this block. */
  async takeShared(): Promise<void> {
    let said = "Somebody has shared this program. Read it before you run it.";
    try {
      const program = await programOf(this.#figure.id, location.hash);
      if (program === undefined) return;
      if (this.#end !== undefined) this.#stopped();
      this.#editor.setOptions({ value: program });
      this.#reset.disabled = program === this.#code;
    } catch (error) {
      said = (error as Error).message;
    }
    this.#figure.scrollIntoView();
    this.#status.textContent = said;
  }

  /** Runs the program of the editor, and plays its picture. */
  run(): void {
    this.#end?.();
    const program = this.#editor.value;
    const output = this.#terminal();
    output.textContent = "";
    this.#status.textContent = "runs";
    this.#swap(this.#run, this.#stop);
    const player = new Player(program);
    this.#show(player);
    this.#end = run(program, this.#meta, root, {
      output: (text) => output.append(text),
      events: (events) => player.add(events),
      exit: (status) => {
        player.end(status);
        this.#ended(status === 0 ? "ended" : `ended with exit status ${status}`);
      },
    });
    if (!wantsLessMotion()) player.play();
  }

  #stopped(): void {
    this.#end?.();
    this.#player?.end(undefined);
    this.#ended("stopped");
  }

  #ended(text: string): void {
    this.#end = undefined;
    this.#status.textContent = text;
    this.#swap(this.#stop, this.#run);
  }

  /** Shows a button in the place of another one, which may have the focus. */
  #swap(from: HTMLButtonElement, to: HTMLButtonElement): void {
    const focused = document.activeElement === from;
    to.hidden = false;
    if (focused) to.focus();
    from.hidden = true;
  }

  #show(player: Player): void {
    this.#player?.pause();
    this.#unmark?.();
    this.#player = player;
    drawPicture(this.#picture, player, this.#name);
    // The line of the program at which the step is.
    const { lines } = this.#editor;
    let marked: Element | undefined;
    this.#unmark = effect(() => {
      const { line } = player.step.value;
      marked?.classList.remove("at-step");
      marked = line === undefined ? undefined : lines[line];
      marked?.classList.add("at-step");
    });
  }

  /** The terminal of the figure. A block whose page shows no output has none at first. */
  #terminal(): HTMLElement {
    const label = this.#figure.querySelector(".label");
    if (label !== null) label.textContent = "It printed";
    const known = this.#figure.querySelector<HTMLElement>("pre.terminal code");
    if (known !== null) return known;
    const pre = document.createElement("pre");
    pre.className = "terminal";
    pre.tabIndex = 0;
    const code = document.createElement("code");
    pre.append(code);
    this.#picture.before(pre);
    return code;
  }

  async #share(): Promise<void> {
    try {
      history.replaceState(undefined, "", await fragmentOf(this.#figure.id, this.#editor.value));
    } catch (error) {
      this.#status.textContent = (error as Error).message;
      return;
    }
    try {
      await navigator.clipboard.writeText(location.href);
      this.#status.textContent = "The link is copied.";
    } catch {
      this.#status.textContent = "The link is in the address bar.";
    }
  }
}

function button(text: string, kind: string, act: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = kind;
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}
