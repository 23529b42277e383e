// The editor of a block: prism-code-editor, on a real text area, so that keyboards of phones,
// screen readers and the browser's own undo work. Another editor was tried and rejected: CodeMirror
// needs 127 kB of compressed script with its parser, this one 9 kB.

import { createEditor, type PrismEditor } from "prism-code-editor";
import { defaultKeymap, editHistory, editorCommands, setIgnoreTab } from "prism-code-editor/commands";
import "prism-code-editor/prism/languages/typescript";
import "prism-code-editor/languages/clike";

/** Puts an editor in the place of `old`. */
export function editorInPlaceOf(old: HTMLElement, code: string, label: string, changed: () => void): PrismEditor {
  const place = document.createElement("div");
  place.className = "editor";
  old.replaceWith(place);
  const editor = createEditor(
    place,
    { language: "typescript", value: code, tabSize: 2, insertSpaces: true, lineNumbers: true, wordWrap: false },
    editorCommands(defaultKeymap),
    editHistory(),
  );
  // Tab moves to the next control: a keyboard must not be caught in the editor. Ctrl+M changes
  // that.
  setIgnoreTab(true);
  editor.textarea.setAttribute("aria-label", label);
  editor.on("update", changed);
  return editor;
}
