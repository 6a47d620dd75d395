/**
 * Colours of code: grammar tags become our own class names, whose colours are in components.css.
 */
import { Decoration, ViewPlugin, syntaxHighlighting, syntaxTree, tagHighlighter, tags } from "./codemirror.js"

/** @typedef {import("@codemirror/view").EditorView} EditorView */
/** @typedef {import("@codemirror/view").ViewUpdate} ViewUpdate */

const BUILTINS = new Set(
  ("abs all any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex delattr dict dir divmod enumerate"
    + " eval exec filter float format frozenset getattr globals hasattr hash help hex id input int isinstance issubclass iter len list"
    + " locals map max memoryview min next object oct open ord pow print property range repr reversed round set setattr slice sorted"
    + " staticmethod str sum super tuple type vars zip").split(" ")
)

const highlighter = tagHighlighter([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.controlKeyword, tags.definitionKeyword, tags.moduleKeyword], class: "tok-keyword" },
  { tag: [tags.string, tags.special(tags.string), tags.character, tags.regexp, tags.monospace], class: "tok-string" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], class: "tok-number" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.className, tags.definition(tags.propertyName)], class: "tok-function" },
  { tag: [tags.comment, tags.docComment, tags.quote], class: "tok-comment" },
  { tag: [tags.heading, tags.strong], class: "tok-strong" },
  { tag: tags.emphasis, class: "tok-emphasis" },
  { tag: [tags.link, tags.url], class: "tok-link" },
  { tag: [tags.meta, tags.processingInstruction, tags.contentSeparator], class: "tok-meta" }
])

const builtin = Decoration.mark({ class: "tok-builtin" })

/** The grammar does not know Python's builtin names, so the visible part of the tree is searched for them. */
const builtins = ViewPlugin.define((view) => ({
  marks: builtinMarks(view),
  /** @param {ViewUpdate} update */
  update(update) {
    const isNewTree = syntaxTree(update.startState) !== syntaxTree(update.state)
    if (update.docChanged || update.viewportChanged || isNewTree) this.marks = builtinMarks(update.view)
  }
}), { decorations: (plugin) => plugin.marks })

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

export const colors = [syntaxHighlighting(highlighter), builtins]
