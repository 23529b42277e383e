// What a clipboard holds, as files: files themselves, or the cells that a spreadsheet has copied.

/**
 * Cells come as text with tabs. One line without a tab is a word that somebody copied, and no
 * table.
 */
export function filesOf(data: Pick<DataTransfer, "files" | "getData"> | null): File[] {
  const files = [...(data?.files ?? [])];
  if (files.length > 0) return files;
  const text = data?.getData("text/plain") ?? "";
  if (!/\t|\n./.test(text)) return [];
  return [new File([text], text.includes("\t") ? "pasted.tsv" : "pasted.csv", { type: "text/plain" })];
}
