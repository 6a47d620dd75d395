/**
 * What every open file's editor has from the start: keys, history, looks. The rest is in extras.js.
 */
import {
  Compartment,
  EditorSelection,
  EditorState,
  EditorView,
  bracketMatching,
  defaultKeymap,
  drawSelection,
  dropCursor,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  history,
  historyKeymap,
  indentOnInput,
  indentUnit,
  indentWithTab,
  keymap,
  lineNumbers,
  rectangularSelection
} from "./codemirror.js"
import { colors } from "./colors.js"
import { failureAt, failures } from "./failure.js"

/** @typedef {import("@codemirror/view").Command} Command */

const nonce = document.querySelector("script[nonce]")
/** Without it the Content-Security-Policy refuses the editor's own style sheet, silently. */
const cspNonce = nonce instanceof HTMLElement ? nonce.nonce : ""

/** Holds the extras of every file, once they are here. */
export const later = new Compartment()

export const loadExtras = () => import("./extras.js")

/** A command of the extras, that waits for them. @param {"gotoLine" | "openSearchPanel" | "selectNextOccurrence"} name @returns {Command} */
export const extraCommand = (name) => (view) => {
  void loadExtras().then((module) => module[name](view))
  return true
}

/** Goes to the line that failed. @type {Command} */
const toFailure = (view) => {
  const from = failureAt(view.state)
  if (from === null) return false
  view.dispatch({ selection: EditorSelection.cursor(from), scrollIntoView: true })
  return true
}

const keys = [
  { key: "Mod-f", run: extraCommand("openSearchPanel") },
  { key: "Mod-d", run: extraCommand("selectNextOccurrence"), preventDefault: true },
  { key: "Alt-g", run: extraCommand("gotoLine"), preventDefault: true },
  { key: "F8", run: toFailure },
  indentWithTab,
  ...historyKeymap,
  // Ours are the page's: Ctrl+Enter runs, Ctrl+M switches what Tab does.
  ...defaultKeymap.filter(({ key, mac }) => key !== "Mod-Enter" && key !== "Ctrl-m" && mac !== "Ctrl-m")
]

/** @returns {import("@codemirror/state").Extension} */
export function setup() {
  return [
    cspNonce ? EditorView.cspNonce.of(cspNonce) : [],
    later.of([]),
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightSpecialChars(),
    history(),
    drawSelection(),
    dropCursor(),
    EditorState.allowMultipleSelections.of(true),
    EditorView.clickAddsSelectionRange.of((event) => event.altKey && !event.shiftKey),
    rectangularSelection({ eventFilter: (event) => event.altKey && event.shiftKey }),
    indentUnit.of("    "),
    EditorState.tabSize.of(4),
    indentOnInput(),
    bracketMatching(),
    highlightActiveLine(),
    colors,
    failures,
    keymap.of(keys),
    EditorView.contentAttributes.of({
      tabindex: "0",
      "aria-describedby": "editor-help",
      autocapitalize: "off",
      spellcheck: "false"
    })
  ]
}
