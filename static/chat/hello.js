/**
 * A conversation that has not begun: who this is, one sentence, a few things to say.
 */
import { el } from "../shared/dom.js"
import { icon } from "../shared/icon.js"
/** @import { Hello } from "./types.js" */

/** @param {Hello} hello @param {(text: string) => void} onAsk */
export function helloView({ title, text, examples, thumb }, onAsk) {
  const asks = examples.slice(0, 4).map((example) =>
    el("li", null, el("button", { class: "hello__ask", type: "button", onclick: () => onAsk(example) }, example, icon("up"))))
  return el("div", { class: "hello" }, thumb?.(), title && el("h2", null, title), text && el("p", null, text),
    asks.length > 0 && el("ul", { class: "hello__list", "aria-label": "Examples" }, asks))
}
