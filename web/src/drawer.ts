// The evidence drawer: a panel beside the list that a row opens. It takes the
// focus when it opens and gives it back when it closes.

let opener: HTMLElement | null = null;

/** openDrawerFrom remembers what to give the focus back to. */
export function openDrawerFrom(el: HTMLElement | null): void {
  opener?.classList.remove("opened");
  opener = el;
}

/** closeDrawer empties the drawer; true when there was one open. */
export function closeDrawer(): boolean {
  const drawer = document.getElementById("drawer");
  if (!drawer?.firstElementChild) return false;
  drawer.replaceChildren();
  opener?.classList.remove("opened");
  const back = opener?.isConnected ? opener : opener?.id ? document.getElementById(opener.id) : null;
  back?.focus();
  return true;
}

/** startDrawer moves the focus into a drawer that was just filled. */
export function startDrawer(): void {
  document.body.addEventListener("htmx:afterSwap", (e) => {
    const drawer = e.target as HTMLElement;
    if (drawer.id !== "drawer") return;
    opener?.classList.add("opened");
    const first = drawer.querySelector<HTMLElement>("[data-autofocus]") ?? drawer.querySelector<HTMLElement>("h2");
    first?.focus();
    // The drawer took room from what it was opened from; where it moves along, both can be seen.
    const panel = drawer.firstElementChild;
    if (panel && getComputedStyle(panel).position === "sticky") opener?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  document.addEventListener("click", (e) => {
    const el = (e.target as HTMLElement).closest<HTMLElement>("[data-close-drawer]");
    if (!el) return;
    e.preventDefault();
    closeDrawer();
  });
}
