// The editor's own bundle: all that the IDE needs before a person's first key.
export { Annotation, Compartment, EditorSelection, EditorState, Prec, RangeSet, RangeSetBuilder, StateEffect, StateField, Transaction } from "@codemirror/state"
export {
  Decoration, EditorView, GutterMarker, WidgetType, crosshairCursor, drawSelection, dropCursor, gutter, highlightActiveLine,
  highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers, lineNumberMarkers, rectangularSelection, scrollPastEnd
} from "@codemirror/view"
export {
  HighlightStyle, bracketMatching, codeFolding, defaultHighlightStyle, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting
} from "@codemirror/language"
export {
  defaultKeymap, history, historyKeymap, indentWithTab, toggleComment, toggleTabFocusMode
} from "@codemirror/commands"
export { gotoLine, highlightSelectionMatches, openSearchPanel, search, searchKeymap, selectNextOccurrence } from "@codemirror/search"
export {
  acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, completeFromList
} from "@codemirror/autocomplete"
export { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint"
export { python } from "@codemirror/lang-python"
export { classHighlighter, tags } from "@lezer/highlight"
