// The editor's own bundle: all that the IDE needs until the editor gets the focus.
export { Compartment, EditorSelection, EditorState, Prec, RangeSet, StateEffect, StateField, Text, Transaction } from "@codemirror/state"
export {
  Decoration, EditorView, GutterMarker, ViewPlugin, WidgetType, drawSelection, dropCursor, gutterLineClass, highlightActiveLine,
  highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers, rectangularSelection
} from "@codemirror/view"
export { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting, syntaxTree } from "@codemirror/language"
export { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands"
export { pythonLanguage } from "./python.js"
