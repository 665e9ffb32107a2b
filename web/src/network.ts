// The picture of the network: zones in the lanes of their Purdue levels. The
// server says where everything stands; this draws it, opens zones and lets the
// keyboard walk. The tables of the page hold the same and need no script.
import cytoscape from "cytoscape";
import type { Core, ElementDefinition, NodeSingular, StylesheetJson } from "cytoscape";
import { colour } from "./palette";

interface Box { x: number; y: number; w: number; h: number }
interface Zone extends Box { id: string; label: string; words: string; worst: string; open: boolean; domain: string }
interface Device extends Box { id: string; zone: string; label: string; state: string; href: string }
interface Link { from: string; to: string; verdict: string; href: string }
interface Drawing { lanes: (Box & { level: number; name: string })[]; zones: Zone[]; links: Link[]; devices: Device[] }

function elements(d: Drawing): ElementDefinition[] {
  const out: ElementDefinition[] = [];
  const fixed = { grabbable: false };
  for (const l of d.lanes) out.push({ ...fixed, selectable: false, classes: "lane", data: { id: "lane:" + l.level, label: l.name, w: l.w, h: l.h }, position: { x: l.x, y: l.y } });
  for (const z of d.zones) {
    const { x, y, ...data } = z;
    out.push({ ...fixed, classes: ["zone", z.open ? "open" : "", z.worst && "sev-" + z.worst].join(" "), data: { ...data, id: "zone:" + z.id, zone: z.id }, position: { x, y } });
  }
  for (const t of d.devices) {
    const kind = t.state === "not in the register" ? "strange" : t.state === "never seen" ? "unseen" : t.state === "seen" ? "" : "differs";
    out.push({ ...fixed, classes: "device " + kind, data: { id: "device:" + t.id, label: t.label, href: t.href }, position: { x: t.x, y: t.y } });
  }
  for (const l of d.links) out.push({ classes: l.verdict, data: { id: `link:${l.from}>${l.to}`, source: "zone:" + l.from, target: "zone:" + l.to, href: l.href } });
  return out;
}

/** style says each thing by shape and line as well as by colour. */
function style(): StylesheetJson {
  const edge = (name: string, more: object): { selector: string; style: object } => ({ selector: name, style: more });
  return [
    { selector: "node", style: { label: "data(label)", color: colour("--ink"), "font-family": "Inter Variable", "font-size": 13, "line-height": 1.35, "text-wrap": "wrap" } },
    { selector: ".lane", style: { shape: "rectangle", width: "data(w)", height: "data(h)", "background-color": colour("--panel"), "border-width": 1, "border-color": colour("--line"), "text-halign": "left", "text-valign": "center", "text-margin-x": 110, "text-justification": "left", color: colour("--ink-2"), "z-compound-depth": "bottom", events: "no" } },
    { selector: ".zone", style: { shape: "round-rectangle", width: "data(w)", height: "data(h)", "background-color": colour("--raised"), "border-width": 1.5, "border-color": colour("--ink-3"), "text-valign": "center", "text-halign": "center", "text-max-width": "160px", "z-index": 2 } },
    { selector: ".zone.open", style: { "text-valign": "top", "text-margin-y": 60, "background-opacity": 0.85 } },
    { selector: ".sev-alarm", style: { "border-width": 3, "border-color": colour("--alarm"), "border-style": "double" } },
    { selector: ".sev-warning", style: { "border-width": 2.5, "border-color": colour("--warning") } },
    { selector: ".device", style: { shape: "ellipse", width: 16, height: 16, "background-color": colour("--ink-2"), "border-width": 1.5, "border-color": colour("--ink-2"), "text-valign": "bottom", "text-margin-y": 4, "font-size": 10, "text-max-width": "104px", "text-wrap": "ellipsis", "z-index": 3 } },
    { selector: ".strange", style: { shape: "diamond", width: 20, height: 20, "background-color": colour("--warning"), "border-color": colour("--warning") } },
    { selector: ".differs", style: { shape: "rectangle", "background-color": colour("--advice"), "border-color": colour("--advice") } },
    { selector: ".unseen", style: { "background-opacity": 0, "border-style": "dashed" } },
    { selector: "edge", style: { "curve-style": "bezier", width: 1.5, "target-arrow-shape": "triangle", "arrow-scale": 1, opacity: 0.85 } },
    edge(".v-undeclared", { "line-color": colour("--alarm"), "target-arrow-color": colour("--alarm"), width: 3.5, "z-index": 9 }),
    edge(".v-undecided", { "line-color": colour("--warning"), "target-arrow-color": colour("--warning"), "target-arrow-shape": "diamond", "line-style": "dashed", width: 2.5 }),
    edge(".v-seen", { "line-color": colour("--ok"), "target-arrow-color": colour("--ok") }),
    edge(".v-unseen", { "line-color": colour("--ink-3"), "target-arrow-color": colour("--ink-3"), "line-style": "dotted", "target-arrow-shape": "vee", opacity: 0.55 }),
    { selector: ".zone.here", style: { "outline-width": 4, "outline-color": colour("--focus"), "outline-offset": 2 } },
    { selector: "edge.dim", style: { opacity: 0.12 } },
  ] as unknown as StylesheetJson;
}

/** nearest is the zone that lies next in that direction, undefined at the edge. */
function nearest(cy: Core, from: NodeSingular, dx: number, dy: number): NodeSingular | undefined {
  const here = from.position();
  let best: NodeSingular | undefined, least = Infinity;
  cy.nodes(".zone").forEach((n) => {
    const p = n.position(), along = (p.x - here.x) * dx + (p.y - here.y) * dy, aside = Math.abs((p.x - here.x) * dy) + Math.abs((p.y - here.y) * dx);
    if (along < 1) return;
    const far = along + 3 * aside;
    if (far < least) { least = far; best = n; }
  });
  return best;
}

function start(box: HTMLElement): void {
  box.hidden = false;
  const picture = document.getElementById("net-picture") as HTMLElement;
  const say = document.getElementById("net-say") as HTMLElement;
  const cy = cytoscape({ container: picture, style: style(), layout: { name: "preset" }, minZoom: 0.02, maxZoom: 3, boxSelectionEnabled: false, textureOnViewport: true, hideEdgesOnViewport: false });
  let here = "", busy = false;
  const mark = (n: NodeSingular | undefined): void => {
    cy.elements().removeClass("here dim");
    if (!n) return;
    here = n.id();
    n.addClass("here");
    cy.edges().not(n.connectedEdges()).addClass("dim");
    say.textContent = n.data("words");
    const b = n.renderedBoundingBox({});
    if (b.x1 < 0 || b.y1 < 0 || b.x2 > cy.width() || b.y2 > cy.height()) cy.center(n);
  };
  const draw = async (src: string, fit: boolean): Promise<boolean> => {
    const answer = await fetch(src, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const d = (await answer.json()) as Drawing;
    cy.batch(() => { cy.elements().remove(); cy.add(elements(d)); });
    if (fit) cy.fit(undefined, 10);
    box.dataset.open = String(d.zones.filter((z) => z.open).length);
    box.dataset.state = "live";
    return true;
  };
  /** toggle opens or closes a zone: picture, address and tables follow. */
  const toggle = async (n: NodeSingular): Promise<void> => {
    if (busy) return;
    busy = true;
    const zone = String(n.data("zone")), query = new URLSearchParams(location.search), open = query.getAll("open").filter((o) => o !== zone);
    if (!n.data("open")) open.push(zone);
    query.delete("open");
    for (const o of open) query.append("open", o);
    const rest = query.size ? "?" + query.toString() : "";
    try {
      await draw("/network.json" + rest, true);
      history.replaceState(null, "", "/network" + rest);
      const again = cy.getElementById(n.id());
      if (again.nonempty()) mark(again);
      await window.htmx.ajax("get", "/network" + rest, { target: "#net-tables", select: "#net-tables", swap: "outerHTML" });
    } catch {
      say.textContent = "The server did not answer; the picture is as it was.";
    } finally { busy = false; }
  };
  cy.on("tap", ".zone", (e) => { mark(e.target); void toggle(e.target); });
  cy.on("tap", "edge, .device", (e) => location.assign(String(e.target.data("href"))));
  cy.on("mouseover", "edge, .device, .zone", () => { picture.classList.add("over"); });
  cy.on("mouseout", "edge, .device, .zone", () => { picture.classList.remove("over"); });
  const steps: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  picture.addEventListener("keydown", (e) => {
    const step = steps[e.key], now = cy.getElementById(here);
    if (step) {
      const next = now.nonempty() ? nearest(cy, now, step[0], step[1]) : cy.nodes(".zone").first();
      if (next?.nonempty()) mark(next);
    } else if (e.key === "Enter" && now.nonempty()) void toggle(now);
    else if (e.key === "+" || e.key === "-") cy.zoom({ level: cy.zoom() * (e.key === "+" ? 1.25 : 0.8), renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
    else return;
    e.preventDefault();
    e.stopPropagation();
  });
  document.addEventListener("palette", () => { cy.style(style()); });
  draw(box.dataset.src ?? "/network.json", true).catch(() => {
    box.dataset.state = "failed";
    say.textContent = "The picture could not be fetched. The tables below hold the same facts.";
  });
}

const box = document.getElementById("net");
if (box) start(box);
