// The console's script on every page: live parts, keyboard, clocks, palette.
// Everything here improves pages that already work as plain links and forms.
import "./htmx";
import "htmx-ext-sse/sse.js";
import "./morph";
import { startClocks } from "./clock";
import { startKeys } from "./keys";
import { startPalette } from "./palette";
import { startLink } from "./link";
import { startDrawer } from "./drawer";

startPalette();
startClocks();
startKeys();
startLink();
startDrawer();
