/**
 * Text without formatting, as plain programs print it: lines, and a gap where a line is blank. It does without the Markdown
 * reader, which a page fetches only when a reply has something to format.
 */
import { el } from "../shared/dom.js"
/** @import { Surface } from "./types.js" */

/** Signs that Markdown, or our reading of drawings and terminals, may make something of. */
const FORMATTED = /[*_`#>|~<&[\]\\\t\r\u001b]|:\/\/|www\.|@| {3}|^ {2}|^ ?(?:[-+=]|\d+[.)])[ =-]/m
const LONG_CHARS = 4_000

/**
 * Whether a reply needs more than plain lines.
 * @param {string} text
 */
export function needsMarkdown(text) {
  return text.length > LONG_CHARS || FORMATTED.test(text)
}

/** @implements {Surface} */
export class Plain {
  node = el("div", { class: "msg__text" })
  isShortened = false
  #caret = el("span", { class: "caret", "aria-hidden": true })
  #text = ""

  /** @param {string} piece */
  add(piece) {
    this.#text += piece
    const paragraphs = this.#text.split(/\n[ \t]*\n/).map((text) => text.replace(/^\n+|\s+$/g, "")).filter(Boolean)
    this.node.replaceChildren(...paragraphs.map((text) => el("p", null, text)))
    this.node.lastElementChild?.append(this.#caret)
  }

  end() {
    this.#caret.remove()
  }

  skip() {
    this.#text = ""
    this.isShortened = true
  }
}
