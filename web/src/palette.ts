// Palette: day, dusk, dark. Kept in a cookie so that the server draws the page
// in it at once; without script the button is a plain form.

const names = ["day", "dusk", "dark"];

/** startPalette lets the palette button change the page without a reload. */
export function startPalette(): void {
  document.addEventListener("submit", (e) => {
    const form = e.target as HTMLFormElement;
    if (!form.matches("[data-palette-form]")) return;
    e.preventDefault();
    const root = document.documentElement;
    const next = names[(names.indexOf(root.dataset.palette ?? "dark") + 1) % names.length] ?? "dark";
    root.dataset.palette = next;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `quaywatch_palette=${next}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    const word = form.querySelector("[data-palette-name]");
    if (word) word.textContent = next;
    const input = form.querySelector<HTMLInputElement>("input[name=palette]");
    if (input) input.value = names[(names.indexOf(next) + 1) % names.length] ?? "dark";
    document.dispatchEvent(new CustomEvent("palette"));
  });
}

/** colour is the value of a token of the palette in use. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#888";
}
