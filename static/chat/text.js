/**
 * Text that only grows at its end, in constant time per piece, and that never holds more than a bound.
 */

const KEPT_CHARS = 4 * 1024 * 1024

/**
 * Immutable: `plus` answers a new value. Values share their pieces, so a reply of 10 MB in 100,000 pieces stays cheap.
 * Positions count from the first character there ever was; `start` is the first that is still kept.
 */
export class Text {
  #pieces
  #count

  /**
   * @param {string[]} [pieces]
   * @param {number} [start]
   * @param {number} [end]
   */
  constructor(pieces = [], start = 0, end = start) {
    this.#pieces = pieces
    this.#count = pieces.length
    this.start = start
    this.end = end
  }

  /**
   * @param {string} piece
   * @returns {Text}
   */
  plus(piece) {
    if (!piece) return this
    // Only the newest value may push; anybody else takes a copy first.
    const pieces = this.#pieces.length === this.#count ? this.#pieces : this.#pieces.slice(0, this.#count)
    pieces.push(piece)
    const grown = new Text(pieces, this.start, this.end + piece.length)
    return grown.end - grown.start > 2 * KEPT_CHARS ? grown.#shortened() : grown
  }

  /**
   * What came at or after a position; `missed` says how many of its first characters are no longer kept.
   * @param {number} position
   * @returns {{text: string, missed: number}}
   */
  since(position) {
    let index = this.#count
    let at = this.end
    while (index > 0 && at > position) at -= (this.#pieces[--index] ?? "").length
    const text = this.#pieces.slice(index, this.#count).join("")
    return at >= position ? { text, missed: at - position } : { text: text.slice(position - at), missed: 0 }
  }

  toString() {
    return this.since(this.start).text
  }

  #shortened() {
    const text = this.toString().slice(-KEPT_CHARS)
    const line = text.indexOf("\n") + 1
    const kept = line > 0 && line < KEPT_CHARS / 2 ? text.slice(line) : text
    return new Text([kept], this.end - kept.length, this.end)
  }
}
