/**
 * A bot's reply on the page: text as it streams, files, and what one can do with it.
 */
import { el, fill } from "../shared/dom.js"
import { copyButton } from "./copy.js"
import { needsMarkdown, Plain } from "./plain.js"
/** @import { Context, Reply, Source, Surface } from "./types.js" */

/** @type {typeof import("./markdown.js").Markdown | null} */
let Markdown = null

/** Fetches the Markdown reader, once, so that it is there when a reply needs it. Without it, text stays plain. */
export async function prepareMarkdown() {
  try {
    Markdown ??= (await import("./markdown.js")).Markdown
  } catch {
    // No connection: the next reply tries again.
  }
}

/** So much is read at a time, between two looks at the clock. */
const SLICE_CHARS = 16_000
/** With more than this waiting to be shown, only its end is. */
const BACKLOG_CHARS = 200_000
/** Longer replies leave the layout of what is out of sight to later. */
const LONG_CHARS = 20_000
const SOURCES_SHOWN = 3

export class ReplyView {
  #context
  #reply
  #position = 0
  #isEnded = false
  #isPainted = false
  /** The Markdown reader failed at this reply: hostile nesting can exhaust its stack. */
  #isPlainForGood = false
  /** @type {Surface} */
  #surface = Markdown ? new Markdown() : new Plain()
  #files = el("div", { class: "msg__files" })
  #meta = el("p", { class: "msg__meta", hidden: true })
  #note = el("p", { class: "chat__note", hidden: true })
  /** @type {Map<string, {url: string, node: HTMLElement}>} */
  #shown = new Map()

  /** @param {Reply} reply @param {Context} context */
  constructor(reply, context) {
    this.#reply = reply
    this.#context = context
    this.#position = reply.text.start
    this.article = el("article", { class: "msg", "aria-label": "Bot" }, this.#note, this.#surface.node, this.#files, this.#meta)
    this.node = inTurn(this.article, context.thumb)
    this.update(reply)
  }

  /** @param {Reply} reply */
  update(reply) {
    this.#reply = reply
    this.#isEnded = false
    this.#isPainted = false
    void this.#showFiles()
  }

  /**
   * Shows what came, until the time is up.
   * @param {number} deadline by the clock of performance.now()
   * @returns {{hasMore: boolean, hasNews: boolean}} whether more is left to show, and whether something was shown
   */
  draw(deadline) {
    const { text, isLive } = this.#reply
    const before = this.#position
    this.#skipBacklog()
    let { text: rest } = text.since(this.#position)
    if (this.#surface instanceof Plain && !this.#isPlainForGood && needsMarkdown(text.toString())) void this.#format()
    while (rest && performance.now() < deadline) {
      const slice = rest.length > SLICE_CHARS ? rest.slice(0, rest.lastIndexOf("\n", SLICE_CHARS) + 1 || SLICE_CHARS) : rest
      if (!this.#try(() => this.#surface.add(slice))) return { hasMore: true, hasNews: true }
      this.#position += slice.length
      rest = rest.slice(slice.length)
    }
    if (!rest && !isLive && !this.#isEnded) this.#end()
    if (!this.#isPainted || this.#position > before) this.#paint()
    return { hasMore: rest !== "", hasNews: this.#position > before }
  }

  /** There is something to format: shows all anew as soon as the reader is here. */
  async #format() {
    await prepareMarkdown()
    if (!Markdown || !(this.#surface instanceof Plain)) return
    this.#restart(new Markdown())
  }

  /**
   * Does something with the surface; when that fails, shows this reply anew as plain text. One reply that cannot be read
   * must not leave the others blank.
   * @param {() => void} act
   * @returns {boolean} whether it went well
   */
  #try(act) {
    try {
      act()
      return true
    } catch (problem) {
      if (this.#isPlainForGood) throw problem
      this.#isPlainForGood = true
      this.#restart(new Plain())
      return false
    }
  }

  /** @param {Surface} surface takes the place of the one so far, and gets all text again */
  #restart(surface) {
    const before = this.#surface
    this.#surface = surface
    this.#position = this.#reply.text.start
    this.#isEnded = false
    before.node.replaceWith(surface.node)
    this.#context.onChange()
  }

  /** What the bot said, as plain text. */
  get spoken() {
    return this.#surface.node.textContent?.trim() ?? ""
  }

  #skipBacklog() {
    const { text } = this.#reply
    if (text.end - this.#position <= BACKLOG_CHARS) return
    const { text: waiting } = text.since(this.#position)
    const cut = waiting.indexOf("\n", waiting.length - BACKLOG_CHARS / 2) + 1 || waiting.length - BACKLOG_CHARS / 2
    this.#surface.skip(waiting.slice(0, cut))
    this.#position = text.end - waiting.length + cut
  }

  #end() {
    if (!this.#try(() => this.#surface.end(() => this.#reply.text.toString()))) return
    this.#isEnded = true
    fill(this.#meta, ...this.#metaParts())
    this.#meta.hidden = this.#reply.isCut
  }

  #paint() {
    this.#isPainted = true
    const isLong = this.#reply.text.end > LONG_CHARS
    this.article.classList.toggle("msg--long", isLong)
    this.article.ariaBusy = this.#reply.isLive ? "true" : "false"
    this.node.hidden = this.#surface.node.childElementCount === 0 && this.#reply.files.length === 0
    if (this.#surface.isShortened && this.#note.hidden) this.#showNote()
  }

  #showNote() {
    this.#note.hidden = false
    fill(this.#note, el("span", null, "Earlier output left out ",
      el("button", { class: "msg__act", type: "button", onclick: () => save(this.#reply.text.toString()) }, "Download")))
  }

  async #showFiles() {
    const isNew = this.#reply.files.some(({ name, url }) => this.#shown.get(name)?.url !== url)
    if (!isNew) return
    const { fileView } = await import("./files.js")
    for (const file of this.#reply.files) {
      const old = this.#shown.get(file.name)
      if (old?.url === file.url) continue
      const node = fileView(file)
      if (old) old.node.replaceWith(node)
      else this.#files.append(node)
      this.#shown.set(file.name, { url: file.url, node })
    }
  }

  #metaParts() {
    const { isStopped, seconds, text, sources } = this.#reply
    const isAuthor = this.#context.role === "author"
    return [
      isStopped && el("span", { class: "badge" }, "Stopped"),
      text.end > 0 && copyButton("Copy message", () => this.#reply.text.toString(), "msg__act"),
      ...(isAuthor ? sources.slice(0, SOURCES_SHOWN).map((source) => this.#sourceButton(source)) : []),
      isAuthor && sources.length > SOURCES_SHOWN && el("span", null, `+${sources.length - SOURCES_SHOWN}`),
      isAuthor && seconds !== null && el("span", null, `${seconds < 10 ? seconds.toFixed(2) : Math.round(seconds)} s`),
    ]
  }

  /** @param {Source} source */
  #sourceButton({ file, line }) {
    const onclick = () => this.#context.onGoto(file, line)
    return el("button", { class: "msg__act", type: "button", title: "The line that printed this", onclick }, `${file}:${line}`)
  }
}

/**
 * Puts the bot's picture beside what it says, on pages that show it.
 * @param {HTMLElement} node
 * @param {(() => Element) | null} thumb
 */
export function inTurn(node, thumb) {
  return thumb ? el("div", { class: "turn" }, thumb(), node) : node
}

/** @param {string} text */
function save(text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }))
  const link = el("a", { download: "reply.txt" })
  link.href = url
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 1000)
}
