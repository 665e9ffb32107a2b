// The live link to the server. A console that looks alive while it is not is
// worse than none: when nothing has been heard for a while, every page says so,
// with the age of what it shows.
import { setServerTime } from "./clock";

const patience = 12_000; // ms; the server ticks every five seconds
let heard = Date.now();

function age(ms: number): string {
  const s = Math.round(ms / 1000);
  return s < 120 ? `${s} s` : `${Math.round(s / 60)} min`;
}

function look(): void {
  const banner = document.getElementById("stale");
  if (!banner) return;
  const silent = Date.now() - heard;
  const stale = silent > patience;
  banner.hidden = !stale;
  document.body.classList.toggle("is-stale", stale);
  const text = banner.querySelector("[data-age]");
  if (stale && text) text.textContent = age(silent);
}

/** startLink watches the live link of the page. */
export function startLink(): void {
  if (!document.querySelector("[sse-connect]")) return;
  document.body.addEventListener("htmx:sseBeforeMessage", () => { heard = Date.now(); });
  document.body.addEventListener("htmx:sseOpen", () => { heard = Date.now(); look(); });
  document.getElementById("tick")?.addEventListener("htmx:sseBeforeMessage", (e) => {
    e.preventDefault(); // nothing to swap: the tick carries the server's clock
    const message = (e as CustomEvent).detail as MessageEvent<string>;
    setServerTime(Number(message.data));
    heard = Date.now();
    look();
  });
  setInterval(look, 1000);
  document.body.addEventListener("htmx:responseError", (e) => {
    const xhr = (e as CustomEvent).detail.xhr as XMLHttpRequest;
    if (xhr.status === 401) location.assign("/login?next=" + encodeURIComponent(location.pathname + location.search));
    else say(`The server refused that (${xhr.status}). ${xhr.responseText.slice(0, 200)}`);
  });
  document.body.addEventListener("htmx:sendError", () => say("The server could not be reached; nothing was changed."));
}

/** say tells the reader something without moving the focus. */
export function say(text: string): void {
  const toast = document.getElementById("toast");
  if (!toast) return;
  toast.textContent = text;
  window.setTimeout(() => { if (toast.textContent === text) toast.textContent = ""; }, 8000);
}
