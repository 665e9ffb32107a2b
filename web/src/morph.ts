// The swap style "morph": new content is laid over the old one node by node, so
// that focus, scroll position and the reader's selection survive a live update.
import htmx from "./htmx";
import { Idiomorph } from "idiomorph/dist/idiomorph.esm.js";

interface Extension {
  isInlineSwap(style: string): boolean;
  handleSwap(style: string, target: Element, fragment: DocumentFragment): Node[] | boolean;
}

// What the reader unfolded stays unfolded.
const callbacks = { beforeAttributeUpdated: (name: string, node: Element): boolean => !(name === "open" && node instanceof HTMLDetailsElement) };

const morph: Extension = {
  isInlineSwap: (style) => style === "morph",
  handleSwap(style, target, fragment) {
    if (style === "morph") {
      return Idiomorph.morph(target, fragment.children, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks });
    }
    if (style === "morph:innerHTML") {
      return Idiomorph.morph(target, fragment.children, { morphStyle: "innerHTML", ignoreActiveValue: true, callbacks });
    }
    return false;
  },
};
htmx.defineExtension("morph", morph as never);
