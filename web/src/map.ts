// The map of the Watch page. It is drawn by MapLibre from the port file's own
// geometry: no tiles, nothing from outside. Where the browser has no WebGL the
// server's drawing stays, and is fetched anew as ships move.
import maplibregl from "maplibre-gl/dist/maplibre-gl-csp.js";
import type { GeoJSONSource, Map as Chart, StyleSpecification, ExpressionSpecification } from "maplibre-gl";

interface Settings { port: string; live: string; worker: string; centre: [number, number]; bounds: [number, number, number, number] }

const empty = { type: "FeatureCollection" as const, features: [] };

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#888";
}

const severity = (): ExpressionSpecification => ["match", ["get", "severity"], "alarm", colour("--alarm"), "warning", colour("--warning"), colour("--advice")];

/** style gives the layers in the colours of the palette in force. */
function style(settings: Settings): StyleSpecification {
  const kind = (k: string): ExpressionSpecification => ["==", ["get", "layer"], k];
  const font = { "text-font": ["Inter Variable"], "text-size": 11 };
  const halo = { "text-halo-color": colour("--land"), "text-halo-width": 1.2 } as const;
  return {
    version: 8,
    sources: {
      port: { type: "geojson", data: settings.port },
      live: { type: "geojson", data: empty },
    },
    layers: [
      { id: "water", type: "background", paint: { "background-color": colour("--water") } },
      { id: "land", type: "fill", source: "port", filter: kind("land"), paint: { "fill-color": ["match", ["get", "kind"], ["quay", "breakwater", "yard", "building"], colour("--quay"), colour("--land")] } },
      { id: "land-edge", type: "line", source: "port", filter: kind("land"), paint: { "line-color": colour("--line"), "line-width": 0.8 } },
      { id: "waters", type: "line", source: "port", filter: kind("water"), paint: { "line-color": colour("--ink-3"), "line-opacity": 0.5, "line-width": 1, "line-dasharray": [4, 4] } },
      { id: "areas", type: "fill", source: "port", filter: kind("area"), paint: { "fill-color": colour("--physical"), "fill-opacity": 0.05 } },
      { id: "areas-edge", type: "line", source: "port", filter: kind("area"), paint: { "line-color": colour("--physical"), "line-opacity": ["case", ["get", "restricted"], 0.8, 0.35], "line-width": 1.2 } },
      { id: "zones-assets", type: "circle", source: "port", minzoom: 14.5, filter: kind("asset"), paint: { "circle-radius": 2.5, "circle-color": ["match", ["get", "domain"], "it", colour("--it"), "ot", colour("--ot"), colour("--physical")], "circle-opacity": 0.8 } },
      { id: "alarm-areas", type: "fill", source: "live", filter: kind("alarm-area"), paint: { "fill-color": severity(), "fill-opacity": 0.16 } },
      { id: "alarm-areas-edge", type: "line", source: "live", filter: kind("alarm-area"), paint: { "line-color": severity(), "line-width": 1.4, "line-dasharray": [4, 3] } },
      { id: "wakes", type: "line", source: "live", filter: kind("wake"), paint: { "line-color": colour("--sea"), "line-opacity": 0.4, "line-width": 1 } },
      { id: "vessels", type: "symbol", source: "live", filter: kind("vessel"), layout: { "icon-image": ["get", "icon"], "icon-rotate": ["get", "heading"], "icon-rotation-alignment": "map", "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-size": ["interpolate", ["linear"], ["zoom"], 10, 0.55, 15, 0.9] } },
      { id: "walk", type: "line", source: "live", filter: kind("walk"), layout: { "line-cap": "round" }, paint: { "line-color": colour("--alarm"), "line-width": 2, "line-dasharray": [0.5, 2] } },
      { id: "marks", type: "symbol", source: "live", filter: kind("mark"), layout: { "icon-image": ["get", "icon"], "icon-allow-overlap": true, "text-field": ["get", "name"], ...font, "text-variable-anchor": ["top", "bottom", "left", "right"], "text-radial-offset": 1.1, "text-optional": true, "text-max-width": 14 }, paint: { "text-color": severity(), ...halo } },
      { id: "names", type: "symbol", source: "port", filter: kind("name"), layout: { "text-field": ["get", "name"], ...font, "text-max-width": 9 }, paint: { "text-color": colour("--ink-2"), "text-halo-color": colour("--water"), "text-halo-width": 1.6 } },
      { id: "vessel-names", type: "symbol", source: "live", minzoom: 11.5, filter: kind("vessel"), layout: { "text-field": ["get", "name"], ...font, "text-size": 10.5, "text-offset": [1, 0], "text-anchor": "left", "text-optional": true }, paint: { "text-color": colour("--ink-2"), "text-halo-color": colour("--water"), "text-halo-width": 1.2 } },
      { id: "walk-nodes", type: "symbol", source: "live", filter: kind("hop"), layout: { "icon-image": "hop", "icon-allow-overlap": true, "text-field": ["get", "name"], ...font, "text-variable-anchor": ["left", "right", "bottom", "top", "bottom-left", "bottom-right", "top-left", "top-right"], "text-radial-offset": 0.9, "text-max-width": 16, "text-justify": "auto", "text-optional": true }, paint: { "text-color": colour("--ink"), ...halo } },
    ],
  };
}

type Draw = (c: CanvasRenderingContext2D, s: number) => void;

function icon(size: number, draw: Draw): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const c = canvas.getContext("2d") as CanvasRenderingContext2D;
  draw(c, size);
  return c.getImageData(0, 0, size, size);
}

function path(points: [number, number][], fill: string): Draw {
  return (c, s) => {
    c.beginPath();
    points.forEach(([x, y], i) => (i ? c.lineTo(x * s, y * s) : c.moveTo(x * s, y * s)));
    c.closePath();
    c.fillStyle = fill;
    c.fill();
  };
}

function ring(stroke: string): Draw {
  return (c, s) => {
    c.beginPath();
    c.arc(s / 2, s / 2, s * 0.32, 0, 7);
    c.lineWidth = s * 0.11;
    c.strokeStyle = stroke;
    c.stroke();
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
  for (const level of ["alarm", "warning", "advice"]) {
    const paint = colour("--" + level);
    put(`confirmed-${level}`, icon(40, path([[0.5, 0.08], [0.94, 0.9], [0.06, 0.9]], paint)));
    put(`likely-${level}`, icon(40, path([[0.5, 0.04], [0.96, 0.5], [0.5, 0.96], [0.04, 0.5]], paint)));
    put(`suspected-${level}`, icon(40, ring(paint)));
  }
}

function hasWebGL(): boolean {
  try {
    return !!document.createElement("canvas").getContext("webgl2");
  } catch {
    return false;
  }
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

/** onMoves calls back when the live link tells that vessels moved. */
function onMoves(then: () => void): void {
  document.getElementById("moves")?.addEventListener("htmx:sseBeforeMessage", (e) => {
    e.preventDefault(); // nothing to swap
    then();
  });
}

/** keepDrawing leaves the server's drawing in place and fetches it anew as ships move. */
function keepDrawing(box: HTMLElement): void {
  box.dataset.state = "drawn";
  const chart = document.getElementById("chart");
  onMoves(() => { if (chart) window.htmx.trigger(chart, "redraw", {}); });
}

function settingsOf(box: HTMLElement): Settings {
  const numbers = (text = ""): number[] => text.split(",").map(Number);
  const { port = "", live = "", worker = "", centre, bounds } = box.dataset;
  return { port, live, worker, centre: numbers(centre) as Settings["centre"], bounds: numbers(bounds) as Settings["bounds"] };
}

function start(box: HTMLElement): void {
  if (!hasWebGL()) { keepDrawing(box); return; }
  const settings = settingsOf(box);
  maplibregl.setWorkerUrl(settings.worker);
  const holder = document.getElementById("map-canvas") as HTMLElement;
  const map = new maplibregl.Map({
    container: holder, style: style(settings), bounds: settings.bounds, fitBoundsOptions: { padding: 24 },
    attributionControl: false, dragRotate: false, pitchWithRotate: false, maxZoom: 18, minZoom: 3,
    fadeDuration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150,
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-left");
  map.addControl(new maplibregl.ScaleControl({ unit: "nautical" }), "bottom-right");
  map.getCanvas().setAttribute("aria-label", "Map of the port with live vessels; the tables Vessels and Findings hold the same facts");
  let busy = false;
  const refresh = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      const selected = document.querySelector<HTMLElement>("[data-selected]")?.dataset.selected ?? "";
      const answer = await fetch(settings.live + "?sel=" + encodeURIComponent(selected), { headers: { Accept: "application/json" } });
      if (answer.ok) {
        const data = await answer.json();
        (map.getSource("live") as GeoJSONSource | undefined)?.setData(data);
        const note = document.getElementById("map-note");
        if (note && data.note) note.textContent = data.note;
        showWalk(map, data);
      }
    } catch { /* the banner of the live link says that the server is away */ } finally { busy = false; }
  };
  map.on("style.load", () => { addIcons(map); void refresh(); });
  map.once("idle", () => { box.dataset.state = "live"; });
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
if (box) start(box);
