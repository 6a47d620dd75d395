/**
 * What every open file's editor has: keys, history, completion, search, looks.
 */
import {
  EditorState, EditorView, acceptCompletion, autocompletion, bracketMatching, closeBrackets, closeBracketsKeymap,
  completionKeymap, defaultKeymap, drawSelection, dropCursor, gotoLine, highlightActiveLine,
  highlightActiveLineGutter, highlightSelectionMatches, highlightSpecialChars, history, historyKeymap, indentOnInput, indentUnit,
  indentWithTab, keymap, lineNumbers, lintKeymap, rectangularSelection, search, searchKeymap
} from "./codemirror.js"
import { colors } from "./colors.js"
import { failures } from "./failure.js"

const nonce = document.querySelector("script[nonce]")
/** Without it the Content-Security-Policy refuses the editor's own style sheet, silently. */
const cspNonce = nonce instanceof HTMLElement ? nonce.nonce : ""

const keys = [
  { key: "Tab", run: acceptCompletion },
  indentWithTab,
  { key: "Alt-g", run: gotoLine, preventDefault: true },
  ...closeBracketsKeymap,
  ...completionKeymap,
  ...searchKeymap,
  ...historyKeymap,
  ...lintKeymap,
  // Ours are the page's: Ctrl+Enter runs, Ctrl+M switches what Tab does.
  ...defaultKeymap.filter(({ key, mac }) => key !== "Mod-Enter" && key !== "Ctrl-m" && mac !== "Ctrl-m")
]

/** @returns {import("@codemirror/state").Extension} */
export function setup() {
  return [
    cspNonce ? EditorView.cspNonce.of(cspNonce) : [],
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
    closeBrackets(),
    autocompletion({ activateOnTypingDelay: 50, icons: false }),
    highlightActiveLine(),
    highlightSelectionMatches(),
    search({ top: true }),
    colors,
    failures,
    keymap.of(keys),
    EditorView.contentAttributes.of({ tabindex: "0", "aria-describedby": "editor-help", autocapitalize: "off", spellcheck: "false" })
  ]
}
