/**
 * The conversation on the page. Drawing is idempotent: the same state gives the same elements, and what did not change is
 * left alone, so that a selection in it survives.
 */
import { el } from "../shared/dom.js"
import { icon } from "../shared/icon.js"
import { Dock } from "./dock.js"
import { endView, note, outgoing, person } from "./parts.js"
import { inTurn, ReplyView } from "./reply.js"
/** @import { Acts, ChatState, Context, Entry, Extras, Item, Outage, Outgoing, Reply, Writing } from "./types.js" */

const STEP = 200
/** Signs that come and go and are no news. */
const PASSING = new Set(["writing", "outage", "hello", "earlier"])

export class Log {
  #context
  #acts
  #talk = el("div", { class: "chat__talk" })
  /** @type {Map<string, {value: unknown, node: HTMLElement | null}>} */
  #shown = new Map()
  /** @type {Map<string, ReplyView>} */
  #replies = new Map()
  #limit = STEP
  #hasNews = false
  #writingText = document.createTextNode("")
  #outageText = document.createTextNode("")

  /** @param {Context} context @param {Acts} acts */
  constructor(context, acts) {
    this.#context = context
    this.#acts = acts
    this.node = el("div", { class: "chat__log", role: "log", "aria-label": "Conversation", "aria-live": "off", tabIndex: 0 }, this.#talk)
    this.dock = new Dock(this.node, this.#talk)
  }

  /**
   * @param {ChatState} state
   * @param {Extras} extras
   */
  update(state, { hello, writing, outage }) {
    const items = state.items.slice(-this.#limit)
    const isWhole = items.length === state.items.length
    // Their words change every second. The elements stay, so that a focus on their buttons does.
    const busy = writing && { key: "writing", value: `${writing.isSlow} ${writing.isBelowReply}`, make: () => this.#writing(writing) }
    this.#writingText.data = writing?.text ?? ""
    this.#outageText.data = outage?.text ?? ""
    const entries = [
      hello && isWhole && { key: "hello", value: hello, make: hello },
      !isWhole && { key: "earlier", value: true, make: () => this.#earlier() },
      ...items.map((item) => this.#entry(item)),
      busy && !writing.isLast && busy,
      ...state.outbox.map((message, index) => this.#outgoing(state, message, index, outage !== null)),
      busy && writing.isLast && busy,
      outage && { key: "outage", value: outage.onNow, make: () => this.#outage(outage) },
    ].filter((entry) => entry !== null && entry !== false)
    this.#reconcile(entries)
    this.node.ariaBusy = writing ? "true" : "false"
  }

  /**
   * Shows the text of replies, the latest first, until the time is up.
   * @param {number} deadline by the clock of performance.now()
   * @returns {boolean} whether more is left to show
   */
  draw(deadline) {
    let hasMore = false
    for (const view of [...this.#replies.values()].reverse()) {
      const drawn = view.draw(deadline)
      hasMore ||= drawn.hasMore
      this.#hasNews ||= drawn.hasNews
    }
    if (this.#hasNews) this.dock.grew()
    this.#hasNews = false
    return hasMore
  }

  /** @param {string} key @returns {string} what a reply says, as plain text */
  spoken(key) {
    return this.#replies.get(key)?.spoken ?? ""
  }

  /** @param {Item} item @returns {Entry} */
  #entry(item) {
    switch (item.kind) {
      case "person":
        return { key: item.key, value: item.text, make: () => person(item.text) }
      case "reply":
        return { key: item.key, value: item, make: () => this.#reply(item) }
      case "divider":
        return { key: item.key, value: item.by, make: () => note(item.by === "restart" ? "Restarted" : "Started again") }
      case "gap":
        return { key: item.key, value: true, make: () => note("Part of the output is left out here") }
      case "end":
        return { key: item.key, value: item, make: () => endView(item, this.#context, this.#acts) }
    }
  }

  /** @param {ChatState} state @param {Outgoing} message @param {number} index @param {boolean} isCut @returns {Entry} */
  #outgoing(state, message, index, isCut) {
    const isBehind = state.phase === "running" || index > 0
    const line = message.status === "accepted" && isBehind ? (index === 0 ? "Next in line" : "In line") : ""
    const word = message.status === "pending" && isCut ? "Sent when the connection is back" : line
    // A message that has nothing to tell looks as it will when it is taken, so its element can stay.
    const value = word || message.status === "refused" ? `${word} ${message.refusal}` : message.text
    return { key: message.id, value, make: () => outgoing(message, word, this.#acts) }
  }

  /** @param {Reply} item */
  #reply(item) {
    const view = this.#replies.get(item.key) ?? new ReplyView(item, this.#context)
    this.#replies.set(item.key, view)
    view.update(item)
    return view.node
  }

  /** @param {Writing} writing */
  #writing({ onStop, isBelowReply }) {
    const stop = onStop && el("button", { class: "btn btn--sm", type: "button", onclick: onStop }, "Stop")
    const lens = el("span", { class: "lens lens--thinking", "aria-hidden": true })
    const line = el("p", { class: "msg__writing" }, lens, this.#writingText, stop)
    const node = inTurn(el("div", { class: "msg" }, line), isBelowReply ? null : this.#context.thumb)
    if (isBelowReply) node.classList.add("msg--below")
    return node
  }

  /** @param {Outage} outage */
  #outage({ onNow }) {
    return el("div", { class: "notice" }, icon("offline"), el("span", null, this.#outageText),
      onNow && el("button", { class: "btn btn--sm", type: "button", onclick: onNow }, "Now"))
  }

  #earlier() {
    return el("p", { class: "chat__note" },
      el("button", { class: "btn btn--sm btn--quiet", type: "button", onclick: () => this.#showMore() }, "Show earlier messages"))
  }

  #showMore() {
    this.#limit += STEP
    this.#context.onChange()
  }

  /** @param {Entry[]} entries */
  #reconcile(entries) {
    const keys = new Set(entries.map((entry) => entry.key))
    for (const [key, { node }] of this.#shown) {
      if (keys.has(key)) continue
      node?.remove()
      this.#shown.delete(key)
      this.#replies.delete(key)
    }
    const nodes = entries.flatMap((entry) => this.#node(entry) ?? [])
    let before = this.#talk.firstElementChild
    for (const node of nodes) {
      if (node === before) before = before.nextElementSibling
      else this.#talk.insertBefore(node, before)
    }
  }

  /** @param {Entry} entry */
  #node({ key, value, make }) {
    const old = this.#shown.get(key)
    if (old && old.value === value) return old.node
    const node = make()
    if (old?.node !== node) old?.node?.remove()
    this.#hasNews ||= !old && !PASSING.has(key)
    this.#shown.set(key, { value, node })
    return node
  }
}
