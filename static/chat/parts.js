/**
 * The parts of the log that are not replies: the hello, what people said, dividers, gaps, ends.
 */
import { el } from "../shared/dom.js"
import { icon } from "../shared/icon.js"
import { ending } from "./sentences.js"
/** @import { Acts, Context, End, Hello, Outgoing } from "./types.js" */

/** @param {string} text */
export function person(text) {
  const shown = text.replaceAll("\f", "\n") || "\u21b5"
  return el("div", { class: "said" }, el("article", { class: "msg msg--person", "aria-label": "You" }, shown))
}

/**
 * A message on its way. `state` says in a word what it waits for; "" where that needs no word.
 * @param {Outgoing} message
 * @param {string} state
 * @param {Acts} acts
 */
export function outgoing(message, state, acts) {
  const node = person(message.text)
  if (message.status === "refused") {
    node.firstElementChild?.classList.add("msg--failed")
    node.append(el("div", { class: "notice notice--bad" }, icon("alert"), el("span", null, message.refusal),
      el("button", { class: "btn btn--sm", type: "button", onclick: () => acts.onEdit(message) }, "Edit"),
      el("button", { class: "btn btn--sm", type: "button", onclick: () => acts.onRetry(message) }, "Retry")))
  } else if (state) {
    node.append(el("p", { class: "msg__meta msg__meta--person" }, el("span", { class: "badge" }, state)))
  }
  return node
}

/** @param {string} text */
export function note(text) {
  return el("p", { class: "chat__note" }, text)
}

/**
 * How a run ended, or null where nothing is said.
 * @param {End} end
 * @param {Context} context
 * @param {Acts} acts
 */
export function endView(end, context, acts) {
  const shown = ending(end, context.role, context.chatId)
  if (!shown) return null
  if (shown.look === "note") return note(shown.title)
  if (shown.look === "crash") return crash(end, shown.title, shown.text, context)
  return el("div", { class: "notice" }, icon("alert"), el("span", null, `${shown.title}. ${shown.text}`),
    el("button", { class: "btn btn--sm notice__again", type: "button", onclick: acts.onAgain }, "Try again"))
}

/** @param {End} end @param {string} title @param {string} text @param {Context} context */
function crash(end, title, text, context) {
  const { error } = end
  const why = error && el("p", { class: "crash__why" }, error.type && el("code", null, error.type), error.type && error.message ? ": " : "",
    error.message)
  const place = error && error.file !== null && error.line !== null ? { file: error.file, line: error.line } : null
  const show = place && el("button", {
    class: "btn btn--sm", type: "button", title: place.file, onclick: () => context.onGoto(place.file, place.line),
  }, `Show line ${place.line}`)
  const cure = error && context.remedy?.(error)
  const remedy = cure && el("button", { class: "btn btn--sm", type: "button", onclick: cure.act }, cure.label)
  return el("section", { class: "crash", "aria-label": title }, el("p", { class: "crash__head" }, icon("stopped"), title), why,
    el("div", { class: "crash__acts" }, remedy, show, el("p", null, text)))
}

/**
 * A conversation that has not begun: who this is, one sentence, a few things to say.
 * @param {Hello} hello
 * @param {(text: string) => void} onAsk
 */
export function helloView({ title, text, examples, thumb }, onAsk) {
  const asks = examples.slice(0, 4).map((example) =>
    el("li", null, el("button", { class: "hello__ask", type: "button", onclick: () => onAsk(example) }, example, icon("up"))))
  return el("div", { class: "hello" }, thumb?.(), title && el("h2", null, title), text && el("p", null, text),
    asks.length > 0 && el("ul", { class: "hello__list", "aria-label": "Examples" }, asks))
}
