/**
 * Markdown that arrives in pieces. Only its end is read again with each piece; what can no longer change is frozen, and an
 * open code block only grows. Measured: 0.3 ms a piece, where reading all of a long reply again takes 31 ms.
 */
import { el } from "../shared/dom.js"
import { block } from "./blocks.js"
import { colourCode } from "./code.js"
import { openFence } from "./fence.js"
import { lex } from "./lexer.js"

/** @typedef {import("marked").Token} Token */
/** `chars`: how much text it shows, which is less than `raw` for a long code block. */
/** @typedef {{raw: string, chars: number, node: HTMLElement | null}} Block */

/** So much unfinished text is read again at most; a longer paragraph, list or table is cut at a line. */
const TAIL_CHARS = 8_000
/** So much stays on the page; of a longer reply the beginning is left out. */
const SHOWN_CHARS = 200_000
/** Up to this length a reply is read once more as a whole at its end, which repairs late definitions: some 60 ms. */
const FINAL_CHARS = 64_000

const HELD = /(?:\r|\u001b(?:\[[\d;?]*)?)$/
const COLOURS = /\u001b\[[\d;?]*[A-Za-z]/g

export class Markdown {
  node = el("div", { class: "msg__text" })
  #caret = el("span", { class: "caret", "aria-hidden": true })
  /** @type {Block[]} */
  #frozen = []
  #frozenChars = 0
  /** Blocks of the tail, which may still change. @type {Block[]} */
  #open = []
  #tail = ""
  /** Part of a line end or of a terminal's colour, whose rest is still to come. */
  #held = ""
  /** @type {import("./fence.js").Fence | null} */
  #fence = null
  /** The tail goes on in the middle of a block that was cut. */
  #isMore = false
  #isPatched = false

  /** True once the beginning of the reply is no longer shown. */
  isShortened = false

  /** @param {string} piece what came, in the order it came */
  add(piece) {
    this.#caret.remove()
    const text = this.#cleaned(piece)
    const rest = this.#fence ? this.#grow(text) : text
    if (rest) this.#read(rest)
    this.#shorten()
    this.#caretHome()?.append(this.#caret)
  }

  /**
   * Nothing more is expected. Text may still come, as late output does.
   * @param {() => string} source the whole reply
   */
  end(source) {
    this.#caret.remove()
    if (this.#held === "\r") this.#fence ? this.#grow("\n") : this.#read("\n")
    this.#held = ""
    if (this.#fence?.finish()) this.#fence = null
    if (this.#isPatched && !this.isShortened && this.#frozenChars < FINAL_CHARS) this.#readWhole(source())
    this.#isPatched = false
    void colourCode(this.node)
  }

  /**
   * So much came at once that the beginning is left out: shows only what comes from here on.
   * @param {string} skipped
   */
  skip(skipped) {
    if (this.#fence && this.#fence.add(skipped) !== null) this.#fence = null
    this.node.replaceChildren()
    if (this.#fence) this.node.append(this.#fence.renew())
    this.#frozen = []
    this.#frozenChars = 0
    this.#open = []
    this.#tail = ""
    this.#held = ""
    this.#isMore = false
    this.isShortened = true
  }

  /** @param {string} piece @returns {string} with one character per line end, without a terminal's colours */
  #cleaned(piece) {
    const text = this.#held + piece
    this.#held = HELD.exec(text)?.[0] ?? ""
    const whole = this.#held ? text.slice(0, -this.#held.length) : text
    return whole.replaceAll(COLOURS, "").replaceAll(/\r\n?/g, "\n")
  }

  /** Adds to the open code block. @param {string} text @returns {string} what stands behind its end */
  #grow(text) {
    const rest = this.#fence?.add(text) ?? null
    const grown = text.length - (rest?.length ?? 0)
    const last = this.#frozen.at(-1)
    if (last) {
      if (last.raw.length < FINAL_CHARS) last.raw += text.slice(0, grown)
      const chars = Math.min(last.chars + grown, SHOWN_CHARS)
      this.#frozenChars += chars - last.chars
      last.chars = chars
    }
    if (rest !== null) this.#fence = null
    return rest ?? ""
  }

  /** @param {string} text */
  #read(text) {
    this.#tail += text
    const { tokens } = lex(this.#tail)
    this.#render(tokens)
    this.#freeze(tokens)
    const last = this.#open.at(-1)
    const fence = last ? openFence(last.raw) : null
    if (last && fence) this.#openFence(last, fence)
    else if (this.#tail.length > TAIL_CHARS) this.#cut()
  }

  /** Shows the blocks of the tail, keeping the elements of those that did not change. @param {Token[]} tokens */
  #render(tokens) {
    const differs = this.#open.findIndex((old, index) => old.raw !== tokens[index]?.raw)
    const kept = differs < 0 ? this.#open.length : differs
    for (const old of this.#open.splice(kept)) old.node?.remove()
    for (const token of tokens.slice(kept)) {
      const node = block(token)
      if (this.#isMore && this.#open.length === 0) node?.classList.add("msg__more")
      this.#open.push({ raw: token.raw, chars: token.raw.length, node })
      if (node) this.node.append(node)
    }
  }

  /** A block is final when two others follow it and a blank line stands behind it. @param {Token[]} tokens */
  #freeze(tokens) {
    for (let index = tokens.length - 3; index >= 0; index -= 1) {
      const token = tokens[index]
      if (token?.type === "space" || /\n[ \t]*\n$/.test(token?.raw ?? "")) return this.#keep(index + 1)
    }
  }

  /** Freezes the first blocks of the tail. @param {number} count */
  #keep(count) {
    const final = this.#open.splice(0, count)
    const chars = final.reduce((sum, one) => sum + one.raw.length, 0)
    this.#frozen.push(...final)
    this.#frozenChars += chars
    this.#tail = this.#tail.slice(chars)
    this.#isMore = false
    this.#isPatched ||= count > 0
  }

  /** @param {Block} last @param {import("./fence.js").Fence} fence */
  #openFence(last, fence) {
    last.node?.replaceWith(fence.code.node)
    last.node = fence.code.node
    this.#keep(this.#open.length)
    this.#fence = fence
  }

  /** The tail is too long to be read with each piece: freeze all of it but the line that is being written. */
  #cut() {
    const line = this.#tail.lastIndexOf("\n") + 1
    const word = this.#tail.lastIndexOf(" ") + 1
    const at = [line, word, this.#tail.length].find((position) => position > TAIL_CHARS / 2) ?? this.#tail.length
    const rest = this.#tail.slice(at)
    const { tokens } = lex(this.#tail.slice(0, at))
    this.#render(tokens)
    this.#keep(tokens.length)
    this.#tail = rest
    this.#isMore = tokens.at(-1)?.type !== "space"
    if (rest) this.#render(lex(rest).tokens)
  }

  /** Drops the oldest blocks while more than enough is shown, but not a block that is most of it. */
  #shorten() {
    let gone = 0
    for (const first of this.#frozen) {
      if (this.#frozenChars <= SHOWN_CHARS || this.#frozenChars - first.chars < SHOWN_CHARS / 2) break
      first.node?.remove()
      this.#frozenChars -= first.chars
      gone += 1
    }
    this.#frozen.splice(0, gone)
    this.isShortened ||= gone > 0 || (this.#fence?.code.isShortened ?? false)
  }

  /** Reads all at once and replaces the blocks that come out differently. @param {string} source */
  #readWhole(source) {
    const clean = source.replaceAll(COLOURS, "").replaceAll(/\r\n?/g, "\n")
    const { tokens, hasDefinitions } = lex(clean)
    const visible = tokens.filter((token) => token.type !== "space")
    const old = [...this.#frozen, ...this.#open].filter((one) => one.node)
    const blocks = visible.map((token, index) => {
      const before = old[index]
      const isSame = before?.raw.trimEnd() === token.raw.trimEnd() && !(hasDefinitions && token.raw.includes("["))
      return { raw: token.raw, chars: token.raw.length, node: isSame && before ? before.node : block(token) }
    })
    this.#arrange(blocks)
    this.#frozen = blocks
    this.#open = []
    this.#tail = ""
    this.#fence = null
  }

  /** Puts the elements in order and touches only those that are new. @param {Block[]} blocks */
  #arrange(blocks) {
    const wanted = blocks.flatMap((one) => one.node ?? [])
    const kept = new Set(wanted)
    for (const child of [...this.node.children]) if (child instanceof HTMLElement && !kept.has(child)) child.remove()
    wanted.forEach((node, index) => {
      const there = this.node.children[index]
      if (there !== node) this.node.insertBefore(node, there ?? null)
    })
  }

  /** The element that the text ends in, or null when there is no text yet. */
  #caretHome() {
    if (this.#fence) return this.#fence.code.end
    let home = this.node.lastElementChild
    while (home?.lastElementChild && /^(?:UL|OL|LI|BLOCKQUOTE)$/.test(home.tagName) && home.lastChild === home.lastElementChild) {
      home = home.lastElementChild
    }
    return home?.matches("p, li, h3, pre") ? home : null
  }
}
