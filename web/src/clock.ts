// Clocks: UTC first, port time beside it. They run from the server's time, not
// from the desk's own clock, and are set again with every tick of the live link.

let offset = 0; // server minus this machine, ms

/** setServerTime takes the server's clock from a live tick (ms since 1970). */
export function setServerTime(ms: number): void {
  if (Number.isFinite(ms)) offset = ms - Date.now();
}

/** serverNow is the server's time, ms since 1970. */
export function serverNow(): number {
  return Date.now() + offset;
}

function draw(clock: HTMLElement): void {
  const now = new Date(serverNow());
  const utc = clock.querySelector("[data-utc]");
  const local = clock.querySelector("[data-local]");
  if (utc) utc.textContent = now.toISOString().slice(11, 19) + " UTC";
  if (local) {
    const zone = clock.dataset.zone || "UTC";
    const time = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(now);
    const day = new Intl.DateTimeFormat("en-GB", { timeZone: zone, day: "numeric", month: "short" }).format(now);
    local.textContent = `${time} local · ${day}`;
  }
}

/** beside writes the port's time beside the UTC of an element, when it is looked at. */
function beside(e: Event): void {
  const el = (e.target as HTMLElement).closest?.<HTMLTimeElement>("time[datetime]");
  const zone = document.querySelector<HTMLElement>("[data-clock]")?.dataset.zone;
  if (!el || !zone || el.title.includes("local")) return;
  const at = new Date(el.dateTime);
  if (Number.isNaN(at.getTime())) return;
  const local = new Intl.DateTimeFormat("en-GB", { timeZone: zone, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at);
  el.title = `${at.toISOString().slice(0, 19).replace("T", " ")} UTC · ${local} local`;
}

/** startClocks sets the clock of the page and keeps it going. */
export function startClocks(): void {
  const clock = document.querySelector<HTMLElement>("[data-clock]");
  if (!clock) return;
  document.addEventListener("mouseover", beside, { passive: true });
  setServerTime(Number(clock.dataset.now));
  draw(clock);
  setInterval(() => draw(clock), 1000);
}
