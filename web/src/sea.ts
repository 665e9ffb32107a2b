// The sea chart: every vessel that is heard, found by name or number, followed,
// measured from, and as it was at any kept moment.
import type { GeoJSONSource, LngLat, Map as Chart, StyleSpecification } from "maplibre-gl";
import { PMTiles, Protocol } from "pmtiles";
import { addMarks, addProtocol, alarmAreas, alarmMarks, colour, font, hasWebGL, icon, newChart, path, portLayers, portNames, settingsOf, onMoves, type Settings } from "./chart";

/** Row is a vessel as /map/sea.json tells it. */
type Row = [id: string, lon: number, lat: number, cog: number | null, sog: number | null, heading: number | null, cls: string, age: number,
  findings: number, name: string, call: string, destination: string, imo: number];
interface Sea { as_of: string; rows: Row[]; all: number }

type Shape = [number, number][];
const shapes: Record<string, { words: string; outline: Shape }> = {
  cargo: { words: "cargo", outline: [[0.5, 0.04], [0.7, 0.28], [0.7, 0.94], [0.3, 0.94], [0.3, 0.28]] },
  tanker: { words: "tanker", outline: [[0.5, 0.04], [0.66, 0.14], [0.74, 0.34], [0.74, 0.78], [0.62, 0.94], [0.38, 0.94], [0.26, 0.78], [0.26, 0.34], [0.34, 0.14]] },
  passenger: { words: "passenger, high speed", outline: [[0.5, 0.04], [0.82, 0.94], [0.5, 0.72], [0.18, 0.94]] },
  service: { words: "tug, pilot, service", outline: [[0.5, 0.16], [0.76, 0.4], [0.76, 0.84], [0.24, 0.84], [0.24, 0.4]] },
  fishing: { words: "fishing", outline: [[0.5, 0.06], [0.78, 0.5], [0.5, 0.94], [0.22, 0.5]] },
  pleasure: { words: "sailing, pleasure", outline: [[0.5, 0.1], [0.68, 0.9], [0.32, 0.9]] },
  other: { words: "other, not told", outline: [[0.5, 0.06], [0.74, 0.92], [0.5, 0.78], [0.26, 0.92]] },
};
const fixed: Record<string, { words: string; outline: Shape }> = {
  aid: { words: "aid to navigation", outline: [[0.5, 0.14], [0.86, 0.5], [0.5, 0.86], [0.14, 0.5]] },
  station: { words: "base station", outline: [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]] },
  special: { words: "aircraft, beacon", outline: [[0.5, 0.06], [0.62, 0.38], [0.94, 0.5], [0.62, 0.62], [0.5, 0.94], [0.38, 0.62], [0.06, 0.5], [0.38, 0.38]] },
};

const nautical = 1852, radius = 6371008.8, rad = Math.PI / 180;

const $ = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

/** state is all that the chart knows. */
const state = {
  rows: [] as Row[], asOf: 0, got: 0, all: 0,
  chosen: "", follow: false, past: 0, playing: 0,
  measuring: false, points: [] as [number, number][],
  shown: { trails: true, names: true, aids: true, areas: true, reach: false, ahead: false } as Record<string, boolean>,
};

const collection = (features: unknown[]): GeoJSON => ({ type: "FeatureCollection", features });
interface GeoJSON { type: "FeatureCollection"; features: unknown[] }
const point = (lon: number, lat: number, properties: object): object => ({ type: "Feature", geometry: { type: "Point", coordinates: [lon, lat] }, properties });
const line = (coordinates: [number, number][], properties: object): object => ({ type: "Feature", geometry: { type: "LineString", coordinates }, properties });

function style(settings: Settings, tiles: string): StyleSpecification {
  const empty = collection([]) as never;
  const sources: StyleSpecification["sources"] = {
    coast: { type: "geojson", data: empty }, port: { type: "geojson", data: settings.port }, reach: { type: "geojson", data: empty },
    live: { type: "geojson", data: empty }, trail: { type: "geojson", data: empty }, ahead: { type: "geojson", data: empty }, sea: { type: "geojson", data: empty }, measure: { type: "geojson", data: empty },
  };
  const declared = portLayers();
  const layers: StyleSpecification["layers"] = [declared[0]!];
  if (tiles) {
    sources.own = { type: "raster", url: "pmtiles://" + new URL(tiles, location.href).href, tileSize: 256 };
    layers.push({ id: "own", type: "raster", source: "own", paint: { "raster-opacity": 0.85 } });
  }
  layers.push({ id: "coast", type: "fill", source: "coast", paint: { "fill-color": colour("--land"), "fill-opacity": tiles ? 0 : 1 } },
    { id: "coast-edge", type: "line", source: "coast", paint: { "line-color": colour("--line"), "line-width": 0.8 } }, ...declared.slice(1),
    { id: "reach", type: "line", source: "reach", paint: { "line-color": colour("--sea"), "line-width": 1.4, "line-dasharray": [2, 3], "line-opacity": 0.8 } },
    portNames(), ...alarmAreas(),
    { id: "trail", type: "line", source: "trail", paint: { "line-color": colour("--sea"), "line-width": 1.8, "line-opacity": 0.8 } },
    { id: "ahead", type: "line", source: "ahead", paint: { "line-color": colour("--ink-3"), "line-width": 1, "line-dasharray": [3, 2] } },
    { id: "vessels", type: "symbol", source: "sea", layout: { "icon-image": ["get", "icon"], "icon-rotate": ["get", "bow"], "icon-rotation-alignment": "map", "icon-allow-overlap": true, "icon-ignore-placement": true,
      "icon-size": ["interpolate", ["linear"], ["zoom"], 5, 0.32, 10, 0.5, 15, 0.9] }, paint: { "icon-opacity": ["get", "ink"] } },
    { id: "chosen", type: "circle", source: "sea", filter: ["==", ["get", "id"], ""], paint: { "circle-radius": 15, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": colour("--focus"), "circle-stroke-width": 2 } },
    { id: "vessel-names", type: "symbol", source: "sea", minzoom: 10.5, layout: { "text-field": ["get", "name"], ...font, "text-size": 10.5, "text-offset": [1, 0], "text-anchor": "left", "text-optional": true },
      paint: { "text-color": colour("--ink-2"), "text-halo-color": colour("--water"), "text-halo-width": 1.2 } },
    alarmMarks(),
    { id: "measure", type: "line", source: "measure", paint: { "line-color": colour("--focus"), "line-width": 2, "line-dasharray": [2, 1.5] } },
    { id: "measure-points", type: "circle", source: "measure", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 4, "circle-color": colour("--focus") } });
  return { version: 8, sources, layers };
}

function addIcons(map: Chart): void {
  const put = (name: string, image: ImageData): void => {
    if (map.hasImage(name)) map.removeImage(name);
    map.addImage(name, image, { pixelRatio: 2 });
  };
  addMarks(put);
  const dashed = (outline: Shape, stroke: string) => icon(48, (c, s) => {
    c.beginPath();
    outline.forEach(([x, y], i) => (i ? c.lineTo(x * s, y * s) : c.moveTo(x * s, y * s)));
    c.closePath();
    c.setLineDash([5, 4]);
    c.lineWidth = 3;
    c.strokeStyle = stroke;
    c.stroke();
  });
  for (const [name, { outline }] of Object.entries({ ...shapes, ...fixed })) {
    const plain = name in fixed ? colour("--ink-3") : colour("--sea");
    put(name, icon(48, path(outline, plain)));
    put(name + "-lost", dashed(outline, plain));
    put(name + "-doubt", icon(48, path(outline, colour("--warning"))));
  }
}

function legend(): void {
  const list = $("sea-legend");
  list.replaceChildren();
  const entry = (words: string, outline: Shape, fill: string): void => {
    const li = document.createElement("li"), canvas = document.createElement("canvas");
    canvas.width = canvas.height = 32;
    canvas.setAttribute("aria-hidden", "true");
    path(outline, fill)(canvas.getContext("2d") as CanvasRenderingContext2D, 32);
    li.append(canvas, words);
    list.append(li);
  };
  for (const { words, outline } of Object.values(shapes)) entry(words, outline, colour("--sea"));
  for (const { words, outline } of Object.values(fixed)) entry(words, outline, colour("--ink-3"));
  entry("with findings", shapes.other!.outline, colour("--warning"));
}

/** moved is where a vessel is by now: by its own speed and course for a minute at most, and only while live. */
function moved(r: Row, seconds: number): [number, number] {
  const [, lon, lat, cog, sog, , cls, age, findings] = r;
  if (state.past || cog === null || sog === null || sog < 0.5 || sog > 100 || findings || cls === "aid" || cls === "station") return [lon, lat];
  return ahead(lon, lat, cog, sog * (nautical / 3600) * Math.min(60, Math.max(0, age + seconds)));
}

function ahead(lon: number, lat: number, course: number, metres: number): [number, number] {
  const d = metres / radius / rad;
  return [lon + (d * Math.sin(course * rad)) / Math.max(0.01, Math.cos(lat * rad)), lat + d * Math.cos(course * rad)];
}

/** features turns the rows into what the map draws. */
export function features(seconds: number): object[] {
  const out: object[] = [];
  for (const r of state.rows) {
    const [id, , , cog, sog, heading, cls, age, findings, name] = r;
    if (!state.shown.aids && (cls === "aid" || cls === "station")) continue;
    const old = age > 600;
    const [lon, lat] = moved(r, seconds);
    out.push(point(lon, lat, {
      id, name, bow: heading ?? (sog !== null && sog > 0.5 ? cog : null) ?? 0,
      icon: cls + (findings ? "-doubt" : old && cls !== "aid" ? "-lost" : ""), ink: age > 180 && !old ? 0.6 : 1,
    }));
  }
  return out;
}

function great(a: [number, number], b: [number, number]): { metres: number; bearing: number } {
  const [x, y] = [(b[0] - a[0]) * rad, (b[1] - a[1]) * rad];
  const h = Math.sin(y / 2) ** 2 + Math.cos(a[1] * rad) * Math.cos(b[1] * rad) * Math.sin(x / 2) ** 2;
  const bearing = Math.atan2(Math.sin(x) * Math.cos(b[1] * rad), Math.cos(a[1] * rad) * Math.sin(b[1] * rad) - Math.sin(a[1] * rad) * Math.cos(b[1] * rad) * Math.cos(x)) / rad;
  return { metres: 2 * radius * Math.asin(Math.sqrt(h)), bearing: (bearing + 360) % 360 };
}

const duration = (s: number): string => (s < 90 ? `${s} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`);

export function startSea(box: HTMLElement): void {
  if (!hasWebGL()) { box.dataset.state = "drawn"; return; }
  const settings = settingsOf(box), tiles = box.dataset.tiles ?? "";
  if (tiles) {
    const protocol = new Protocol();
    protocol.add(new PMTiles(new URL(tiles, location.href).href));
    addProtocol("pmtiles", protocol.tile);
  }
  const map = newChart(settings, style(settings, tiles));
  map.getCanvas().setAttribute("aria-label", "Sea chart with live vessels; the table of vessels holds the same facts");
  const set = (source: string, list: object[]): void => { (map.getSource(source) as GeoJSONSource | undefined)?.setData(collection(list) as never); };
  const draw = (): void => {
    if (!map.getSource("sea")) return;
    const since = (Date.now() - state.got) / 1000;
    set("sea", features(since));
    const r = state.rows.find((x) => x[0] === state.chosen);
    if (r && state.follow) map.easeTo({ center: moved(r, since), duration: 400, essential: true });
    set("ahead", state.shown.ahead ? state.rows.filter((x) => x[3] !== null && (x[4] ?? 0) > 0.5 && (x[4] ?? 0) < 100).map((x) => {
      const at = moved(x, since);
      return line([at, ahead(at[0], at[1], x[3] as number, (x[4] as number) * nautical / 6)], {});
    }) : []);
    $("map-note").textContent = note();
  };
  const note = (): string => {
    if (!state.rows.length) return state.past ? "Nothing was heard in the quarter of an hour before" : "No vessel is heard";
    const shown = `${state.rows.length} of ${state.all} with a position`;
    if (state.past) return shown;
    const age = Math.max(0, Math.round((Date.now() - state.asOf) / 1000));
    return `${shown} · newest report ${duration(age)} old`;
  };
  const take = (sea: Sea): void => { state.rows = sea.rows; state.all = sea.all; state.asOf = Date.parse(sea.as_of); state.got = Date.now(); draw(); card(); };
  const get = async <T>(url: string): Promise<T | null> => {
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" } });
      return answer.ok ? (await answer.json() as T) : null;
    } catch { return null; } // the banner of the live link says that the server is away
  };

  // Live: what the link tells, at most each second; between, vessels move on.
  let busy = false, wanted = false, asked = false;
  const refresh = async (): Promise<void> => {
    if (state.past) return;
    if (busy) { wanted = true; return; }
    busy = true;
    const sea = await get<Sea>(settings.live);
    if (sea && !state.past) take(sea);
    if (sea && !asked && map.getSource("sea")) { // the chart is live once it has drawn what it was told, not before
      asked = true;
      map.once("idle", () => { box.dataset.state = "live"; });
      map.triggerRepaint();
    }
    await marks();
    await new Promise((done) => setTimeout(done, 1000));
    busy = false;
    if (wanted) { wanted = false; void refresh(); }
  };
  setInterval(() => { if (!document.hidden && !state.past) draw(); }, 1000);
  onMoves(() => void refresh());

  const coast = async (): Promise<void> => {
    const b = map.getBounds(), w = b.getEast() - b.getWest(), h = b.getNorth() - b.getSouth();
    const clip = (v: number, most: number): number => Math.max(-most, Math.min(most, v));
    const edges = [clip(b.getWest() - w / 2, 180), clip(b.getSouth() - h / 2, 85), clip(b.getEast() + w / 2, 180), clip(b.getNorth() + h / 2, 85)];
    const land = await get<GeoJSON>("/map/coast.json?box=" + edges.map((v) => v.toFixed(4)).join(","));
    if (land) set("coast", land.features as object[]);
  };
  const reach = async (): Promise<void> => {
    const far = state.shown.reach ? await get<GeoJSON>("/map/reach.json") : null;
    set("reach", (far?.features ?? []) as object[]);
    $("sea-reach").textContent = far && !far.features.length ? "not learned yet" : "";
  };
  const marks = async (): Promise<void> => {
    const found = state.past ? null : await get<GeoJSON>("/map/marks.json");
    set("live", (found?.features ?? []) as object[]);
  };
  const trail = async (): Promise<void> => {
    if (!state.chosen || !state.shown.trails || state.past) { set("trail", []); return; }
    const way = await get<{ type: string; features?: object[] }>("/map/trail.json?id=" + encodeURIComponent(state.chosen));
    set("trail", way ? way.features ?? [way as object] : []);
  };
  const layers = (): void => {
    const show = (id: string, on: boolean): void => { if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", on ? "visible" : "none"); };
    for (const id of ["waters", "areas", "areas-edge", "names"]) show(id, state.shown.areas!);
    show("vessel-names", state.shown.names!);
    draw();
    void reach();
    void trail();
  };
  let coastTimer = 0;
  map.on("moveend", () => { clearTimeout(coastTimer); coastTimer = window.setTimeout(() => void coast(), 200); });
  map.on("style.load", () => { addIcons(map); legend(); layers(); choose(state.chosen, false); void coast(); void marks(); void refresh(); drawMeasure(); });
  map.on("error", (e) => { if (box.dataset.state !== "live") console.warn("chart:", e.error?.message); });
  document.addEventListener("palette", () => map.setStyle(style(settings, tiles), { diff: false }));
  $("sea-layers").addEventListener("change", (e) => { const t = e.target as HTMLInputElement; state.shown[t.dataset.layer ?? ""] = t.checked; layers(); });

  // One vessel.
  const card = (): void => {
    const r = state.rows.find((x) => x[0] === state.chosen), holder = $("sea-card");
    if (!state.chosen) return;
    const dd = (name: string, value: string): Node[] => {
      const dt = document.createElement("dt"), d = document.createElement("dd");
      dt.textContent = name;
      d.textContent = value;
      return [dt, d];
    };
    const h = document.createElement("h2"), list = document.createElement("dl"), actions = document.createElement("p");
    list.className = "kv";
    h.textContent = r ? r[9] : state.chosen;
    if (r) {
      const [, lon, lat, cog, sog, , cls, age, findings, , call, destination, imo] = r;
      const kindWords = (shapes[cls] ?? fixed[cls])?.words ?? cls;
      list.append(...dd("MMSI", r[0]), ...dd("Kind", kindWords), ...dd("Call sign, IMO", `${call || "–"}, ${imo || "–"}`),
        ...dd("Speed, course", `${sog === null ? "–" : sog.toFixed(1) + " kn"}, ${cog === null ? "–" : String(Math.round(cog)).padStart(3, "0") + "°"}`),
        ...dd("Position", `${Math.abs(lat).toFixed(4)}° ${lat < 0 ? "S" : "N"}, ${Math.abs(lon).toFixed(4)}° ${lon < 0 ? "W" : "E"}`),
        ...dd("Destination", destination || "–"), ...dd("Heard", duration(age) + " before"), ...dd("Findings", findings ? String(findings) : "none"));
    } else list.append(...dd("Heard", "not at this moment"));
    const follow = document.createElement("button"), open = document.createElement("a");
    follow.className = open.className = "btn";
    follow.type = "button";
    follow.dataset.key = "f";
    follow.id = "sea-follow";
    follow.setAttribute("aria-pressed", String(state.follow));
    follow.textContent = state.follow ? "Following" : "Follow";
    follow.onclick = () => { state.follow = !state.follow; card(); draw(); };
    open.href = "/vessels/" + encodeURIComponent(state.chosen);
    open.textContent = "Everything about it";
    actions.append(follow, " ", open);
    const focused = document.activeElement?.id === "sea-follow";
    holder.replaceChildren(h, list, actions);
    if (focused) follow.focus();
  };
  const choose = (id: string, go: boolean): void => {
    if (id !== state.chosen) state.follow = false;
    state.chosen = id;
    if (map.getLayer("chosen")) map.setFilter("chosen", ["==", ["get", "id"], id]);
    const r = state.rows.find((x) => x[0] === id);
    if (r && go) map.flyTo({ center: [r[1], r[2]], zoom: Math.max(map.getZoom(), 12), essential: true, duration: 600 });
    card();
    void trail();
  };
  map.on("click", "vessels", (e) => { const id = e.features?.[0]?.properties?.id; if (id && !state.measuring) choose(String(id), false); });
  map.on("click", "marks", (e) => { const id = e.features?.[0]?.properties?.id; if (id && !state.measuring) location.assign("/findings/" + encodeURIComponent(String(id))); });
  map.on("mouseenter", "vessels", () => { map.getCanvas().style.cursor = "pointer"; });
  map.on("mouseleave", "vessels", () => { map.getCanvas().style.cursor = ""; });
  map.on("dragstart", () => { if (state.follow) { state.follow = false; card(); } });

  // Search.
  const input = $<HTMLInputElement>("sea-q"), hits = $("sea-hits");
  let found: Row[] = [], at = 0;
  const close = (): void => { hits.hidden = true; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
  const look = (): void => {
    const q = input.value.trim().toLowerCase();
    found = q ? state.rows.filter((r) => r[9].toLowerCase().includes(q) || r[0].includes(q) || r[10].toLowerCase().includes(q) || (r[12] && String(r[12]).includes(q)))
      .sort((a, b) => Number(b[9].toLowerCase().startsWith(q)) - Number(a[9].toLowerCase().startsWith(q)) || a[9].localeCompare(b[9])).slice(0, 12) : [];
    at = 0;
    hits.replaceChildren(...(q && !found.length ? [Object.assign(document.createElement("li"), { textContent: "Nobody of that name or number is heard" })] : found.map((r, i) => {
      const li = document.createElement("li"), small = document.createElement("small");
      li.id = "sea-hit-" + i;
      li.setAttribute("role", "option");
      li.textContent = r[9];
      small.textContent = `MMSI ${r[0]}${r[12] ? " · IMO " + r[12] : ""}${r[10] ? " · " + r[10] : ""}`;
      li.append(small);
      li.onclick = () => pick(i);
      return li;
    })));
    hits.hidden = !q;
    input.setAttribute("aria-expanded", String(!!q));
    mark();
  };
  const mark = (): void => {
    [...hits.children].forEach((li, i) => li.setAttribute("aria-selected", String(i === at && found.length > 0)));
    if (found.length) input.setAttribute("aria-activedescendant", "sea-hit-" + at);
    hits.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const pick = (i: number): void => { const r = found[i]; if (!r) return; close(); input.value = r[9]; choose(r[0], true); };
  input.addEventListener("input", look);
  input.addEventListener("focus", () => { if (input.value) look(); });
  input.addEventListener("blur", () => setTimeout(close, 150));
  input.addEventListener("keydown", (e) => {
    if (e.key === "ArrowDown" || e.key === "ArrowUp") { at = Math.min(Math.max(at + (e.key === "ArrowDown" ? 1 : -1), 0), found.length - 1); mark(); e.preventDefault(); }
    if (e.key === "Escape") close();
  });
  $("sea-search").addEventListener("submit", (e) => { e.preventDefault(); pick(at); input.blur(); });

  // Measure.
  const button = $("sea-measure"), length = $("sea-length");
  button.dataset.key = "m";
  const drawMeasure = (): void => {
    const p = state.points;
    set("measure", [...(p.length > 1 ? [line(p, {})] : []), ...p.map(([lon, lat]) => point(lon, lat, {}))]);
    if (p.length < 2) { length.textContent = state.measuring ? "first point…" : ""; return; }
    let sum = 0, last = { metres: 0, bearing: 0 };
    for (let i = 1; i < p.length; i++) { last = great(p[i - 1]!, p[i]!); sum += last.metres; }
    length.textContent = `${(sum / nautical).toFixed(sum < 18520 ? 2 : 1)} nm · last leg ${(last.metres / nautical).toFixed(2)} nm, ${String(Math.round(last.bearing) % 360).padStart(3, "0")}°`;
  };
  const add = (p: LngLat): void => { state.points.push([p.lng, p.lat]); drawMeasure(); };
  button.onclick = () => {
    state.measuring = !state.measuring;
    state.points = [];
    button.setAttribute("aria-pressed", String(state.measuring));
    drawMeasure();
    if (state.measuring) map.getCanvas().focus();
  };
  map.on("click", (e) => { if (state.measuring) add(e.lngLat); });
  map.getCanvas().addEventListener("keydown", (e) => { if (e.key === "Enter" && state.measuring) add(map.getCenter()); });
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape" || e.target === input) return;
    if (state.measuring) button.click(); else if (state.chosen) { choose("", false); $("sea-card").textContent = "No vessel is chosen."; }
  });

  replay(get, take, () => { set("live", []); set("trail", []); }, () => { void trail(); void marks(); draw(); void refresh(); });
}

/** replay shows a kept moment instead of the present one. */
function replay(get: <T>(url: string) => Promise<T | null>, take: (sea: Sea) => void, gone: () => void, back: () => void): void {
  const day = document.getElementById("sea-day") as HTMLInputElement | null;
  if (!day) return;
  const time = $<HTMLInputElement>("sea-time"), play = $("sea-play"), live = $<HTMLButtonElement>("sea-live"), speed = $<HTMLSelectElement>("sea-speed");
  let asked = 0;
  const show = async (): Promise<void> => {
    const start = Date.parse(day.value + "T00:00:00Z");
    if (Number.isNaN(start)) return;
    state.past = start + Number(time.value) * 60_000;
    state.follow = false;
    gone();
    const moment = new Date(state.past).toISOString().slice(0, 16).replace("T", " ") + " UTC";
    $("sea-moment").textContent = $("sea-clock").textContent = moment;
    time.setAttribute("aria-valuetext", moment);
    $("sea-past").hidden = false;
    live.disabled = false;
    const turn = ++asked;
    const sea = await get<Sea>("/map/past.json?at=" + new Date(state.past).toISOString().slice(0, 19) + "Z");
    if (turn !== asked || !state.past) return; // another moment was asked for since
    if (sea) take(sea); else $("map-note").textContent = "That moment could not be read; what is drawn is another one";
  };
  const stop = (): void => { clearInterval(state.playing); state.playing = 0; play.textContent = "Play"; play.setAttribute("aria-pressed", "false"); };
  play.onclick = () => {
    if (state.playing) { stop(); return; }
    if (Number(time.value) >= 1439) time.value = "0";
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    void show();
    state.playing = window.setInterval(() => {
      const next = Number(time.value) + 1;
      if (next > 1439) { stop(); return; }
      time.value = String(next);
      void show();
    }, Number(speed.value));
  };
  time.addEventListener("input", () => { stop(); void show(); });
  day.addEventListener("change", () => { stop(); void show(); });
  live.onclick = () => {
    stop();
    asked++;
    state.past = 0;
    $("sea-past").hidden = true;
    $("sea-clock").textContent = "live";
    live.disabled = true;
    back();
  };
}
