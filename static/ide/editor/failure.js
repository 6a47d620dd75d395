/**
 * The mark on the line that failed: a wash, a mark in the gutter, the message behind the code. It stays until that
 * line is edited.
 */
import {
  Decoration,
  EditorView,
  GutterMarker,
  RangeSet,
  StateEffect,
  StateField,
  WidgetType,
  gutterLineClass
} from "./codemirror.js"

/** @typedef {import("@codemirror/state").EditorState} EditorState */
/** @typedef {{line: number, message: string}} LineFailure line counts from 1 */

/** @type {import("@codemirror/state").StateEffectType<LineFailure | null>} */
const setFailure = StateEffect.define()

class Message extends WidgetType {
  /** @param {string} text */
  constructor(text) {
    super()
    this.text = text
  }

  /** @param {Message} other @override */
  eq(other) {
    return other.text === this.text
  }

  /** @override */
  toDOM() {
    const node = document.createElement("span")
    node.className = "cm-message"
    node.textContent = this.text
    return node
  }

  /** @override */
  ignoreEvent() {
    return false
  }
}

const gutterMark = new (class extends GutterMarker {
  elementClass = "cm-gutterElement--failed"
})()

/** @typedef {{from: number, message: string}} Mark `from` is the start of its line */

/** @type {StateField<Mark | null>} */
const field = StateField.define({
  create: () => /** @type {Mark | null} */ (null),
  update(mark, transaction) {
    for (const effect of transaction.effects) if (effect.is(setFailure)) return markOf(transaction.state, effect.value)
    if (!mark || !transaction.docChanged) return mark
    const line = transaction.startState.doc.lineAt(mark.from)
    if (transaction.changes.touchesRange(line.from, line.to)) return null
    return { ...mark, from: transaction.changes.mapPos(mark.from, 1) }
  },
  provide: (own) => [
    EditorView.decorations.compute([own], (state) => decorations(state)),
    gutterLineClass.compute([own], (state) => {
      const mark = state.field(own)
      return mark ? RangeSet.of(gutterMark.range(state.doc.lineAt(mark.from).from)) : RangeSet.empty
    })
  ]
})

/** @param {EditorState} state @param {LineFailure | null} failure @returns {Mark | null} */
function markOf(state, failure) {
  if (!failure || failure.line < 1 || failure.line > state.doc.lines) return null
  return { from: state.doc.line(failure.line).from, message: failure.message }
}

/** @param {EditorState} state */
function decorations(state) {
  const mark = state.field(field)
  if (!mark) return Decoration.none
  const line = state.doc.lineAt(mark.from)
  const range = rangeOf(line, mark.message)
  return Decoration.set([
    Decoration.line({ class: "cm-line--failed" }).range(line.from),
    ...(range ? [Decoration.mark({ class: "cm-fault" }).range(range.from, range.to)] : []),
    Decoration.widget({ widget: new Message(mark.message), side: 1 }).range(line.to)
  ])
}

/**
 * The transaction that marks a line, or takes the mark away.
 * @param {LineFailure | null} failure
 * @returns {import("@codemirror/state").TransactionSpec}
 */
export const failureSpec = (failure) => ({ effects: setFailure.of(failure) })

/** Where the marked line begins, or null: F8 goes there. @param {EditorState} state */
export const failureAt = (state) => state.field(field, false)?.from ?? null

/**
 * What to underline: the name that the message quotes where the line has it, else the whole statement; null on an empty line.
 * @param {import("@codemirror/state").Line} line
 * @param {string} message
 */
function rangeOf({ text, from, to }, message) {
  const name = /'(\w+)'/.exec(message)?.[1]
  const index = name ? text.search(new RegExp(`\\b${name}\\b`)) : -1
  if (name && index >= 0) return { from: from + index, to: from + index + name.length }
  const start = from + (/^\s*/.exec(text)?.[0].length ?? 0)
  return start < to ? { from: start, to } : null
}

export const failures = field
