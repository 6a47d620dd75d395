// Fetched when the editor gets the focus: search, completion, brackets that close themselves.
export { gotoLine, highlightSelectionMatches, openSearchPanel, search, searchKeymap, selectNextOccurrence } from "@codemirror/search"
export { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete"
export { globalCompletion, localCompletionSource } from "@codemirror/lang-python"
