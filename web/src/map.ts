// The map of the Watch page. It is drawn by MapLibre from the port file's own
// geometry: no tiles, nothing from outside. Where the browser has no WebGL the
// server's drawing stays, and is fetched anew as ships move.
import type { GeoJSONSource, Map as Chart, StyleSpecification } from "maplibre-gl";
import { addMarks, alarmAreas, alarmMarks, colour, font, halo, hasWebGL, icon, kind, newChart, onMoves, path, portLayers, portNames, settingsOf, type Settings } from "./chart";
import { startSea } from "./sea";

const empty = { type: "FeatureCollection" as const, features: [] };

/** style gives the layers in the colours of the palette in force. */
function style(settings: Settings): StyleSpecification {
  return {
    version: 8,
    sources: {
      port: { type: "geojson", data: settings.port },
      live: { type: "geojson", data: empty },
    },
    layers: [
      ...portLayers(),
      ...alarmAreas(),
      { id: "wakes", type: "line", source: "live", filter: kind("wake"), paint: { "line-color": colour("--sea"), "line-opacity": 0.4, "line-width": 1 } },
      { id: "vessels", type: "symbol", source: "live", filter: kind("vessel"), layout: { "icon-image": ["get", "icon"], "icon-rotate": ["get", "heading"], "icon-rotation-alignment": "map", "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-size": ["interpolate", ["linear"], ["zoom"], 10, 0.55, 15, 0.9] } },
      { id: "walk", type: "line", source: "live", filter: kind("walk"), layout: { "line-cap": "round" }, paint: { "line-color": colour("--alarm"), "line-width": 2, "line-dasharray": [0.5, 2] } },
      alarmMarks(),
      portNames(),
      { id: "vessel-names", type: "symbol", source: "live", minzoom: 11.5, filter: kind("vessel"), layout: { "text-field": ["get", "name"], ...font, "text-size": 10.5, "text-offset": [1, 0], "text-anchor": "left", "text-optional": true }, paint: { "text-color": colour("--ink-2"), "text-halo-color": colour("--water"), "text-halo-width": 1.2 } },
      { id: "walk-nodes", type: "symbol", source: "live", filter: kind("hop"), layout: { "icon-image": "hop", "icon-allow-overlap": true, "text-field": ["get", "name"], ...font, "text-variable-anchor": ["left", "right", "bottom", "top", "bottom-left", "bottom-right", "top-left", "top-right"], "text-radial-offset": 0.9, "text-max-width": 16, "text-justify": "auto", "text-optional": true }, paint: { "text-color": colour("--ink"), ...halo() } },
    ],
  };
}

/** addIcons draws the shapes in the palette: ships by course, marks by grade. */
function addIcons(map: Chart): void {
  const put = (name: string, image: ImageData): void => {
    if (map.hasImage(name)) map.removeImage(name);
    map.addImage(name, image, { pixelRatio: 2 });
  };
  const hull: [number, number][] = [[0.5, 0.06], [0.74, 0.92], [0.5, 0.78], [0.26, 0.92]];
  put("ship", icon(48, path(hull, colour("--sea"))));
  put("ship-silent", icon(52, (c, s) => {
    c.beginPath();
    hull.forEach(([x, y], i) => (i ? c.lineTo(x * s, y * s) : c.moveTo(x * s, y * s)));
    c.closePath();
    c.setLineDash([5, 4]);
    c.lineWidth = 3;
    c.strokeStyle = colour("--sea");
    c.stroke();
  }));
  put("ship-own", icon(40, path(hull, colour("--ink-2"))));
  put("ship-doubt", icon(52, path(hull, colour("--warning"))));
  put("ship-alarm", icon(52, path(hull, colour("--alarm"))));
  put("ship-still", icon(30, (c, s) => { c.beginPath(); c.arc(s / 2, s / 2, s * 0.34, 0, 7); c.fillStyle = colour("--sea"); c.fill(); }));
  put("aid", icon(28, path([[0.5, 0.1], [0.9, 0.5], [0.5, 0.9], [0.1, 0.5]], colour("--ink-3"))));
  put("hop", icon(30, (c, s) => { c.fillStyle = colour("--alarm-bg"); c.strokeStyle = colour("--alarm"); c.lineWidth = 3; c.fillRect(3, 3, s - 6, s - 6); c.strokeRect(3, 3, s - 6, s - 6); }));
  addMarks(put);
}

let walk: [number, number][] = [];

/** showWalk offers to go where the selected finding leads, when its places are known. */
function showWalk(map: Chart, data: { features: { geometry: { coordinates: unknown }; properties: { layer: string } }[] }): void {
  walk = data.features.filter((f) => f.properties.layer === "hop").map((f) => f.geometry.coordinates as [number, number]);
  const button = document.getElementById("map-walk") as HTMLButtonElement | null;
  if (!button) return;
  button.hidden = walk.length < 2;
  button.onclick = () => {
    if (button.dataset.shown) {
      delete button.dataset.shown;
      button.textContent = "Show the way";
      map.fitBounds(settingsOf(document.getElementById("map") as HTMLElement).bounds, { padding: 24 });
      return;
    }
    const lon = walk.map((p) => p[0]), lat = walk.map((p) => p[1]);
    button.dataset.shown = "1";
    button.textContent = "Show the port";
    map.fitBounds([Math.min(...lon), Math.min(...lat), Math.max(...lon), Math.max(...lat)], { padding: 120, maxZoom: 16 });
  };
}

/** keepDrawing leaves the server's drawing in place and fetches it anew as ships move. */
function keepDrawing(box: HTMLElement): void {
  box.dataset.state = "drawn";
  const chart = document.getElementById("chart");
  onMoves(() => { if (chart) window.htmx.trigger(chart, "redraw", {}); });
}

function start(box: HTMLElement): void {
  if (!hasWebGL()) { keepDrawing(box); return; }
  const settings = settingsOf(box);
  const map = newChart(settings, style(settings));
  map.getCanvas().setAttribute("aria-label", "Map of the port with live vessels; the tables Vessels and Findings hold the same facts");
  let busy = false, asked = false;
  const refresh = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      const selected = document.querySelector<HTMLElement>("[data-selected]")?.dataset.selected ?? "";
      const answer = await fetch(settings.live + "?sel=" + encodeURIComponent(selected), { headers: { Accept: "application/json" } });
      if (answer.ok) {
        const data = await answer.json();
        const live = map.getSource("live") as GeoJSONSource | undefined;
        live?.setData(data);
        if (live && !asked) { // the map is live once it has drawn what it was told, not before
          asked = true;
          map.once("idle", () => { box.dataset.state = "live"; });
        }
        const note = document.getElementById("map-note");
        if (note && data.note) note.textContent = data.note;
        showWalk(map, data);
      }
    } catch { /* the banner of the live link says that the server is away */ } finally { busy = false; }
  };
  map.on("style.load", () => { addIcons(map); void refresh(); });
  map.on("error", (e) => { if (box.dataset.state !== "live") console.warn("map:", e.error?.message); });
  document.addEventListener("palette", () => { addIcons(map); map.setStyle(style(settings), { diff: false }); });
  onMoves(() => void refresh());
  document.body.addEventListener("htmx:afterSettle", (e) => { if ((e.target as HTMLElement).closest("#alarms")) void refresh(); });
  const open = (name: string, to: (id: string) => string): void => {
    map.on("click", name, (e) => { const id = e.features?.[0]?.properties?.id; if (id) location.assign(to(String(id))); });
    map.on("mouseenter", name, () => { map.getCanvas().style.cursor = "pointer"; });
    map.on("mouseleave", name, () => { map.getCanvas().style.cursor = ""; });
  };
  open("vessels", (id) => "/vessels/" + encodeURIComponent(id));
  open("marks", (id) => "/findings/" + encodeURIComponent(id));
}

const box = document.getElementById("map");
if (box?.dataset.sea !== undefined) startSea(box);
else if (box) start(box);
