/**
 * The text of one run in the console: grows at its end, is drawn once per frame, forgets its oldest lines.
 */
import { append, el } from "../shared/dom.js"
import { errorName, linked } from "./traceback.js"

const MOST_LINES = 1000
const MOST_CHARS = 2000

/**
 * @param {object} hooks
 * @param {(path: string) => boolean} hooks.isOurs whether a path is one of the bot's files
 * @param {(file: string, line: number) => void} hooks.goTo
 * @param {() => void} hooks.onDrawn
 */
export function createConsoleText({ isOurs, goTo, onDrawn }) {
  const note = el("p", { class: "console__note", hidden: true })
  const lines = el("div", null)
  const node = el("div", { class: "console__text", hidden: true }, note, lines)
  let waiting = ""
  let frame = 0
  let dropped = 0
  /** The last line, while its end is still to come. @type {HTMLElement | null} */
  let open = null
  let rest = ""

  /** @param {string} text */
  const lineNode = (text) => {
    const line = el("div", { class: "console__line" })
    const shown = text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)} … ${text.length - MOST_CHARS} more characters` : text
    const error = errorName(shown)
    for (const piece of error ? [{ text: shown.slice(error.length) }] : linked(shown, isOurs)) {
      const { file, line: number } = /** @type {import("./traceback.js").Piece} */ (piece)
      const isLink = file !== undefined && number !== undefined
      append(
        line,
        isLink ? el("button", { class: "trace-link", type: "button", onclick: () => goTo(file, number) }, piece.text) : piece.text
      )
    }
    if (error) line.prepend(el("b", null, error))
    // An empty line keeps its height, and copying the console keeps its line ends.
    append(line, "\n")
    return line
  }

  const draw = () => {
    frame = 0
    const all = (rest + waiting).split("\n")
    waiting = ""
    rest = all.pop() ?? ""
    if (rest.length > 4 * MOST_CHARS) rest = rest.slice(0, 4 * MOST_CHARS)
    open?.remove()
    const shown = all.slice(-MOST_LINES)
    dropped += all.length - shown.length
    lines.append(...shown.map(lineNode))
    while (lines.childElementCount > MOST_LINES) {
      lines.firstElementChild?.remove()
      dropped += 1
    }
    open = rest ? lineNode(rest) : null
    if (open) lines.append(open)
    node.hidden = lines.childElementCount === 0
    note.hidden = dropped === 0
    note.textContent = `${dropped.toLocaleString("en")} older lines left out here`
    onDrawn()
  }

  return {
    node,
    /** @param {string} text */
    write(text) {
      waiting += text
      // A page in the background gets no frames; what waits for one stays bounded.
      if (waiting.length > 1_000_000) draw()
      else frame ||= requestAnimationFrame(draw)
    },
    /** Draws what waits, now. */
    flush() {
      cancelAnimationFrame(frame)
      if (waiting) draw()
    },
    get text() {
      return lines.textContent ?? ""
    }
  }
}
