/**
 * The line at the bottom: connection, sandbox, place in the file.
 */
import { append, el, fill } from "../shared/dom.js"
import { icon } from "../shared/icons.js"

/** @typedef {import("./editor/editor.js").Place} Place */
/** @typedef {import("./types.js").RunState} RunState */

const LEVELS = /** @type {Record<string, string>} */ ({ strong: "Strong sandbox", weak: "Weak sandbox", none: "No sandbox" })

/**
 * @param {{link: HTMLElement, sandbox: HTMLElement, place: HTMLElement, tab: HTMLElement}} parts
 * @param {{level?: string} | undefined} sandbox
 */
export function mountStatus({ link, sandbox: sandboxNode, place, tab }, sandbox) {
  const level = sandbox?.level ?? ""
  if (level) {
    sandboxNode.hidden = false
    fill(sandboxNode, icon(level === "strong" ? "shield" : "alert"), LEVELS[level] ?? level)
  }

  return {
    /** @param {RunState} state */
    link(state) {
      const isOff = state === "reconnecting" || state === "none"
      const text = state === "reconnecting" ? "Reconnecting" : state === "none" ? "Not run yet" : "Connected"
      fill(link, el("span", { class: `dot dot--${isOff ? "off" : "ok"}` }), text)
    },

    /** @param {Place | null} where null where no text is open */
    place(where) {
      place.hidden = !where
      if (!where) return
      fill(place, `Ln ${where.line}, Col ${where.column}`)
      if (where.selected) append(place, ` (${where.selected} selected)`)
    },

    /** @param {boolean} moves whether Tab moves the focus out of the editor */
    tab(moves) {
      if (moves)
        fill(
          tab,
          el("kbd", { class: "kbd" }, "Tab"),
          " leaves the editor, ",
          el("kbd", { class: "kbd" }, "Ctrl"),
          el("kbd", { class: "kbd" }, "M"),
          " indents again"
        )
      else fill(tab, el("kbd", { class: "kbd" }, "Esc"), " then ", el("kbd", { class: "kbd" }, "Tab"), " leaves the editor")
    }
  }
}
