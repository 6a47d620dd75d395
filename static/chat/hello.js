/**
 * A conversation that has not begun: who this is, one sentence, a few things to say.
 */
import { el } from "../shared/dom.js"
import { icon } from "../shared/icons.js"

/**
 * @typedef {object} Hello
 * @property {string} title "" where only the sentence is shown
 * @property {string} text
 * @property {string[]} examples at most four are shown
 * @property {(() => Element) | null} thumb
 */

/** @param {Hello} hello @param {(text: string) => void} onAsk */
export function helloView({ title, text, examples, thumb }, onAsk) {
  const asks = examples.slice(0, 4).map((example) =>
    el("li", null, el("button", { class: "hello__ask", type: "button", onclick: () => onAsk(example) }, example, icon("up"))))
  return el("div", { class: "hello" }, thumb?.(), title && el("h2", null, title), text && el("p", null, text),
    asks.length > 0 && el("ul", { class: "hello__list", "aria-label": "Examples" }, asks))
}
