// The editor's own bundle: all that the IDE needs before a person's first key.
export { Compartment, EditorSelection, EditorState, Prec, RangeSet, StateEffect, StateField, Text, Transaction } from "@codemirror/state"
export {
  Decoration, EditorView, GutterMarker, ViewPlugin, WidgetType, drawSelection, dropCursor, gutterLineClass,
  highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers, rectangularSelection
} from "@codemirror/view"
export { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting, syntaxTree } from "@codemirror/language"
export { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands"
export { gotoLine, highlightSelectionMatches, openSearchPanel, search, searchKeymap } from "@codemirror/search"
export { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete"
export { lintKeymap, setDiagnostics } from "@codemirror/lint"
export { python } from "@codemirror/lang-python"
