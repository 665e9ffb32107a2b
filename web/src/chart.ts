// What the map of the Watch page and the sea chart have in common: the library,
// the port file's own geometry, and shapes in the colours of the palette.
import maplibregl from "maplibre-gl/dist/maplibre-gl-csp.js";
import type { Map as Chart, LayerSpecification, StyleSpecification, ExpressionSpecification } from "maplibre-gl";
import { colour } from "./palette";

export { colour };

export interface Settings { port: string; live: string; worker: string; centre: [number, number]; bounds: [number, number, number, number] }

export const kind = (k: string): ExpressionSpecification => ["==", ["get", "layer"], k];
export const font = { "text-font": ["Inter Variable"], "text-size": 11 };

/** portLayers draw what is declared, under everything that moves. */
export function portLayers(): LayerSpecification[] {
  return [
    { id: "water", type: "background", paint: { "background-color": colour("--water") } },
    { id: "land", type: "fill", source: "port", filter: kind("land"), paint: { "fill-color": ["match", ["get", "kind"], ["quay", "breakwater", "yard", "building"], colour("--quay"), colour("--land")] } },
    { id: "land-edge", type: "line", source: "port", filter: kind("land"), paint: { "line-color": colour("--line"), "line-width": 0.8 } },
    { id: "waters", type: "line", source: "port", filter: kind("water"), paint: { "line-color": colour("--ink-3"), "line-opacity": 0.5, "line-width": 1, "line-dasharray": [4, 4] } },
    { id: "areas", type: "fill", source: "port", filter: kind("area"), paint: { "fill-color": colour("--physical"), "fill-opacity": 0.05 } },
    { id: "areas-edge", type: "line", source: "port", filter: kind("area"), paint: { "line-color": colour("--physical"), "line-opacity": ["case", ["get", "restricted"], 0.8, 0.35], "line-width": 1.2 } },
    { id: "zones-assets", type: "circle", source: "port", minzoom: 14.5, filter: kind("asset"), paint: { "circle-radius": 2.5, "circle-color": ["match", ["get", "domain"], "it", colour("--it"), "ot", colour("--ot"), colour("--physical")], "circle-opacity": 0.8 } },
  ];
}

export function portNames(): LayerSpecification {
  return { id: "names", type: "symbol", source: "port", filter: kind("name"), layout: { "text-field": ["get", "name"], ...font, "text-max-width": 9 }, paint: { "text-color": colour("--ink-2"), "text-halo-color": colour("--water"), "text-halo-width": 1.6 } };
}

/** newChart opens a map on the port. */
export function newChart(settings: Settings, style: StyleSpecification): Chart {
  maplibregl.setWorkerUrl(settings.worker);
  const map = new maplibregl.Map({
    container: document.getElementById("map-canvas") as HTMLElement, style, bounds: settings.bounds, fitBoundsOptions: { padding: 24 },
    attributionControl: false, dragRotate: false, pitchWithRotate: false, maxZoom: 18, minZoom: 3,
    fadeDuration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150,
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-left");
  map.addControl(new maplibregl.ScaleControl({ unit: "nautical" }), "bottom-right");
  return map;
}

export const addProtocol = maplibregl.addProtocol;

export type Draw = (c: CanvasRenderingContext2D, s: number) => void;

export function icon(size: number, draw: Draw): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const c = canvas.getContext("2d") as CanvasRenderingContext2D;
  draw(c, size);
  return c.getImageData(0, 0, size, size);
}

export function path(points: [number, number][], fill: string): Draw {
  return (c, s) => {
    c.beginPath();
    points.forEach(([x, y], i) => (i ? c.lineTo(x * s, y * s) : c.moveTo(x * s, y * s)));
    c.closePath();
    c.fillStyle = fill;
    c.fill();
  };
}

export function hasWebGL(): boolean {
  try {
    return !!document.createElement("canvas").getContext("webgl2");
  } catch {
    return false;
  }
}

/** onMoves calls back when the live link tells that vessels moved. */
export function onMoves(then: () => void): void {
  document.getElementById("moves")?.addEventListener("htmx:sseBeforeMessage", (e) => {
    e.preventDefault(); // nothing to swap
    then();
  });
}

export function settingsOf(box: HTMLElement): Settings {
  const numbers = (text = ""): number[] => text.split(",").map(Number);
  const { port = "", live = "", worker = "", centre, bounds } = box.dataset;
  return { port, live, worker, centre: numbers(centre) as Settings["centre"], bounds: numbers(bounds) as Settings["bounds"] };
}

const severity = (): ExpressionSpecification => ["match", ["get", "severity"], "alarm", colour("--alarm"), "warning", colour("--warning"), colour("--advice")];

export const halo = () => ({ "text-halo-color": colour("--land"), "text-halo-width": 1.2 }) as const;

/** alarmAreas and alarmMarks draw findings that have a place, out of the source "live". */
export function alarmAreas(): LayerSpecification[] {
  return [
    { id: "alarm-areas", type: "fill", source: "live", filter: kind("alarm-area"), paint: { "fill-color": severity(), "fill-opacity": 0.16 } },
    { id: "alarm-areas-edge", type: "line", source: "live", filter: kind("alarm-area"), paint: { "line-color": severity(), "line-width": 1.4, "line-dasharray": [4, 3] } },
  ];
}

export function alarmMarks(): LayerSpecification {
  return { id: "marks", type: "symbol", source: "live", filter: kind("mark"), layout: { "icon-image": ["get", "icon"], "icon-allow-overlap": true, "text-field": ["get", "name"], ...font, "text-variable-anchor": ["top", "bottom", "left", "right"], "text-radial-offset": 1.1, "text-optional": true, "text-max-width": 14 }, paint: { "text-color": severity(), ...halo() } };
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

/** addMarks draws the marks of findings: the shape tells the grade, the colour the severity. */
export function addMarks(put: (name: string, image: ImageData) => void): void {
  for (const level of ["alarm", "warning", "advice"]) {
    const paint = colour("--" + level);
    put(`confirmed-${level}`, icon(40, path([[0.5, 0.08], [0.94, 0.9], [0.06, 0.9]], paint)));
    put(`likely-${level}`, icon(40, path([[0.5, 0.04], [0.96, 0.5], [0.5, 0.96], [0.04, 0.5]], paint)));
    put(`suspected-${level}`, icon(40, ring(paint)));
  }
}
