/**
 * A fenced code block whose end has not come yet: takes text, and says where the block ends.
 */
import { Code } from "./code.js"

const OPENING = /^ {0,3}(`{3,}|~{3,})([^\n]*)\n/
const MAY_CLOSE = /^ {0,3}(?:`*|~*)[ \t]*$/

/**
 * The fence that a block of Markdown opens and does not close, or null.
 * @param {string} raw the block's source
 * @returns {Fence | null}
 */
export function openFence(raw) {
  const opening = OPENING.exec(raw)
  if (!opening) return null
  const fence = new Fence(opening[1] ?? "", opening[2] ?? "")
  const rest = fence.add(raw.slice(opening[0].length))
  return rest === null ? fence : null
}

export class Fence {
  #closing
  #info
  /** The beginning of a line that may turn out to be the end. */
  #held = ""
  #isMidLine = false

  /** @param {string} mark @param {string} info */
  constructor(mark, info) {
    this.#closing = new RegExp(`^ {0,3}${mark.slice(0, 1)}{${mark.length},}[ \\t]*$`)
    this.#info = info
    this.code = new Code(info, "")
  }

  /**
   * Adds text to the block. Answers what stands behind its end, or null while it is open.
   * @param {string} text
   * @returns {string | null}
   */
  add(text) {
    const all = this.#held + text
    this.#held = ""
    let at = 0
    for (;;) {
      const newline = all.indexOf("\n", at)
      const line = all.slice(at, newline < 0 ? undefined : newline)
      if (newline < 0) return this.#unfinished(all.slice(0, at), line)
      if (!this.#isMidLine && this.#closing.test(line)) {
        this.code.add(all.slice(0, at))
        return all.slice(newline + 1)
      }
      this.#isMidLine = false
      at = newline + 1
    }
  }

  /** No more text comes: a last line that is no end is shown. @returns {boolean} whether the block was closed */
  finish() {
    const line = this.#held
    this.#held = ""
    if (!this.#isMidLine && this.#closing.test(line)) return true
    this.code.add(line)
    this.#isMidLine ||= line !== ""
    return false
  }

  /** Goes on in a new, empty block. */
  renew() {
    this.code = new Code(this.#info, "")
    return this.code.node
  }

  /** @param {string} whole @param {string} line */
  #unfinished(whole, line) {
    if (!this.#isMidLine && MAY_CLOSE.test(line)) {
      this.code.add(whole)
      this.#held = line
      return null
    }
    this.code.add(whole + line)
    this.#isMidLine = true
    return null
  }
}
