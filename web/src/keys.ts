// Keys. j and k walk rows, Enter opens; a letter presses the control of the
// row (or of the page) that carries it in data-key. No letter does anything
// while the reader types. ? shows the list.
import { closeDrawer, openDrawerFrom } from "./drawer";

function typing(el: Element | null): boolean {
  return !!el && (el.matches("input:not([type=checkbox]), textarea, select") || (el as HTMLElement).isContentEditable);
}

function rows(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-row]")];
}

function currentRow(): HTMLElement | null {
  return document.activeElement?.closest<HTMLElement>("[data-row]") ??
    document.querySelector<HTMLElement>("[data-row].sel");
}

function focusRow(row: HTMLElement | undefined): void {
  const link = row?.querySelector<HTMLElement>("[data-row-link]");
  link?.focus();
  row?.scrollIntoView({ block: "nearest" });
}

function move(step: number): void {
  const all = rows();
  const at = all.indexOf(currentRow() as HTMLElement);
  focusRow(all[Math.min(Math.max(at + step, 0), all.length - 1)]);
}

function press(key: string): boolean {
  const name = `[data-key="${CSS.escape(key)}"]`;
  const drawer = document.getElementById("drawer");
  const row = currentRow();
  const control = drawer?.querySelector<HTMLElement>(name) ?? row?.querySelector<HTMLElement>(name) ??
    document.querySelector<HTMLElement>(`main ${name}:not([data-row] *), header ${name}`);
  if (!control) return false;
  if (row) openDrawerFrom(row.querySelector<HTMLElement>("[data-row-link]"));
  if (control.matches("input")) { control.focus(); (control as HTMLInputElement).select(); } else control.click();
  return true;
}

// Steps of the arrows within a matrix: along its rows and its columns.
const steps: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** walk goes from a cell of a matrix to the next one in that direction that opens something. */
function walk(key: string): boolean {
  const step = steps[key];
  const cell = document.activeElement?.closest<HTMLTableCellElement>(".matrix td");
  const table = cell?.closest("table");
  if (!step || !cell || !table) return false;
  let row = (cell.parentElement as HTMLTableRowElement).rowIndex + step[0];
  let column = cell.cellIndex + step[1];
  for (; table.rows[row]?.cells[column]; row += step[0], column += step[1]) {
    const link = table.rows[row]?.cells[column]?.querySelector<HTMLElement>("a");
    if (!link) continue;
    link.focus();
    link.scrollIntoView({ block: "nearest", inline: "nearest" });
    return true;
  }
  return true; // the edge: the page does not scroll away from under the reader
}

function onKey(e: KeyboardEvent): void {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const help = document.getElementById("help") as HTMLDialogElement | null;
  if (e.key === "Escape") {
    if (typing(document.activeElement)) (document.activeElement as HTMLElement).blur();
    if (!help?.open && closeDrawer()) e.preventDefault();
    return;
  }
  if (typing(document.activeElement) || help?.open) return;
  if (walk(e.key)) { e.preventDefault(); return; }
  if (e.key === "?") { help?.showModal(); e.preventDefault(); return; }
  if (e.key === "j" || e.key === "k") { move(e.key === "j" ? 1 : -1); e.preventDefault(); return; }
  if (e.key.length === 1 && press(e.key)) e.preventDefault();
}

/** startKeys listens to the keyboard of the page. */
export function startKeys(): void {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (e) => {
    const target = e.target as HTMLElement;
    const opener = target.closest<HTMLElement>("[data-opens-drawer]");
    if (opener) openDrawerFrom(opener.closest("[data-row]")?.querySelector<HTMLElement>("[data-row-link]") ?? opener);
    if (target.closest("[data-help]")) (document.getElementById("help") as HTMLDialogElement | null)?.showModal();
    if (target.closest("[data-close-help]")) (document.getElementById("help") as HTMLDialogElement | null)?.close();
  });
}
