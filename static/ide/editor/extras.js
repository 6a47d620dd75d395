/**
 * What the editor does beyond typing: completion, search, brackets that close themselves. Fetched with the first focus.
 */
import { keymap, pythonLanguage } from "./codemirror.js"
import {
  acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, globalCompletion, highlightSelectionMatches,
  localCompletionSource, search, searchKeymap
} from "../../vendor/cm-6.43.15/extras.js"

export { gotoLine, openSearchPanel, selectNextOccurrence } from "../../vendor/cm-6.43.15/extras.js"

/** Quick enough to feel immediate, late enough not to flicker while a word is typed. */
const COMPLETE_AFTER_MS = 50

/** @type {import("@codemirror/state").Extension} */
export const extras = [
  // Before the core's own keys: Tab takes a completion where one is offered, else it indents.
  keymap.of([{ key: "Tab", run: acceptCompletion }, ...closeBracketsKeymap, ...completionKeymap, ...searchKeymap]),
  closeBrackets(),
  autocompletion({ activateOnTypingDelay: COMPLETE_AFTER_MS, icons: false }),
  pythonLanguage.data.of({ autocomplete: localCompletionSource }),
  pythonLanguage.data.of({ autocomplete: globalCompletion }),
  search({ top: true }),
  highlightSelectionMatches()
]
