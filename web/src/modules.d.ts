declare module "htmx.org/dist/htmx.esm.js" {
  import htmx from "htmx.org";
  export default htmx;
}
declare module "htmx-ext-sse/sse.js";
declare module "idiomorph/dist/idiomorph-htmx.js";
declare module "idiomorph/dist/idiomorph.esm.js" {
  export const Idiomorph: { morph(target: Element, to: unknown, config: object): Node[] };
}
declare module "maplibre-gl/dist/maplibre-gl-csp.js" {
  import maplibregl from "maplibre-gl";
  export default maplibregl;
}
