/**
 * Colours Python that is only read, without the editor. Fetched by pages that show code.
 */
import { el, fill } from "../shared/dom.js"
import { highlightCode, pythonParser } from "../vendor/cm-6.43.15/highlight.js"
import { BUILTINS, highlighter } from "./python_names.js"

/** @param {HTMLElement} node whose text is Python */
export function colorPython(node) {
  const text = node.textContent ?? ""
  /** @type {(string | HTMLElement)[]} */
  const parts = []
  highlightCode(
    text,
    pythonParser.parse(text),
    highlighter,
    (piece, classes) => {
      const isBuiltin = classes === "tok-function" && BUILTINS.has(piece)
      parts.push(classes ? el("span", { class: isBuiltin ? "tok-builtin" : classes }, piece) : piece)
    },
    () => parts.push("\n")
  )
  fill(node, ...parts)
}
