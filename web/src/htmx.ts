// htmx with the two extensions the pages use. The extensions look for a global
// `htmx`, so it is put there before they load.
import htmx from "htmx.org/dist/htmx.esm.js";

declare global {
  interface Window { htmx: typeof htmx }
}
window.htmx = htmx;
htmx.config.allowEval = false; // the page's policy forbids it; say so to htmx too
htmx.config.includeIndicatorStyles = false; // no inline style
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0; // nothing of the port is kept in the browser's storage
export default htmx;
