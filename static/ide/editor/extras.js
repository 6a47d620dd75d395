/**
 * What the editor does beyond typing: completion, search, brackets that close themselves. Fetched with the first focus.
 */
import { EditorState, keymap, pythonLanguage } from "./codemirror.js"
import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  globalCompletion,
  highlightSelectionMatches,
  localCompletionSource,
  search,
  searchKeymap
} from "../../vendor/cm-6.43.15/extras.js"

export { gotoLine, openSearchPanel, selectNextOccurrence } from "../../vendor/cm-6.43.15/extras.js"

/** Quick enough to feel immediate, late enough not to flicker while a word is typed. */
const COMPLETE_AFTER_MS = 50

/** The search panel's words, written as the rest of the page writes them. */
const words = {
  next: "Next",
  previous: "Previous",
  all: "All",
  "match case": "Match case",
  regexp: "Regular expression",
  "by word": "Whole word",
  replace: "Replace",
  "replace all": "Replace all",
  go: "Go"
}

/** @type {import("@codemirror/state").Extension} */
export const extras = [
  EditorState.phrases.of(words),
  // Before the core's own keys: Tab takes a completion where one is offered, else it indents.
  keymap.of([{ key: "Tab", run: acceptCompletion }, ...closeBracketsKeymap, ...completionKeymap, ...searchKeymap]),
  closeBrackets(),
  autocompletion({ activateOnTypingDelay: COMPLETE_AFTER_MS, icons: false }),
  pythonLanguage.data.of({ autocomplete: localCompletionSource }),
  pythonLanguage.data.of({ autocomplete: globalCompletion }),
  search({ top: true }),
  highlightSelectionMatches()
]
