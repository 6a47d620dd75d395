/**
 * Colours of code in the editor; the class names have their colours in components.css.
 */
import { Decoration, Prec, ViewPlugin, syntaxHighlighting, syntaxTree } from "./codemirror.js"
import { BUILTINS, highlighter } from "../python_names.js"

/** @typedef {import("@codemirror/view").EditorView} EditorView */
/** @typedef {import("@codemirror/view").ViewUpdate} ViewUpdate */

const builtin = Decoration.mark({ class: "tok-builtin" })

/** The grammar does not know Python's builtin names, so the visible part of the tree is searched for them. */
const builtins = ViewPlugin.define(
  (view) => ({
    marks: builtinMarks(view),
    /** @param {ViewUpdate} update */
    update(update) {
      const isNewTree = syntaxTree(update.startState) !== syntaxTree(update.state)
      if (update.docChanged || update.viewportChanged || isNewTree) this.marks = builtinMarks(update.view)
    }
  }),
  { decorations: (plugin) => plugin.marks }
)

/** @param {EditorView} view */
function builtinMarks(view) {
  /** @type {import("@codemirror/state").Range<import("@codemirror/view").Decoration>[]} */
  const found = []
  for (const { from, to } of view.visibleRanges) {
    syntaxTree(view.state).iterate({
      from,
      to,
      enter({ name, node, from: start, to: end }) {
        const isCall = name === "VariableName" && node.parent?.name === "CallExpression"
        if (isCall && BUILTINS.has(view.state.sliceDoc(start, end))) found.push(builtin.range(start, end))
      }
    })
  }
  return Decoration.set(found, true)
}

// The mark of the highest precedence is the innermost element, whose colour shows.
export const colors = [syntaxHighlighting(highlighter), Prec.highest(builtins)]
