/**
 * The code editor: one view, one state per open file, so that each file keeps its undo history, cursor and scroll.
 */
import { Compartment, EditorState, EditorView, Text, Transaction } from "./codemirror.js"
import { failureSpec } from "./failure.js"
import { fetchedLanguage, languageOf } from "./languages.js"
import { later, loadExtras, setup } from "./setup.js"

/** @typedef {import("./failure.js").LineFailure} LineFailure */
/** @typedef {{line: number, column: number, selected: number}} Place counted from 1 */
/** @typedef {{state: EditorState, language: Compartment, scroll: import("@codemirror/state").StateEffect<any> | null}} Open */
/** @typedef {ReturnType<typeof mountEditor>} Editor */

/**
 * @param {HTMLElement} host
 * @param {object} hooks
 * @param {(path: string) => void} hooks.onChange a person changed the text
 * @param {(place: Place) => void} hooks.onPlace the cursor moved
 */
export function mountEditor(host, { onChange, onPlace }) {
  /** @type {Map<string, Open>} */
  const files = new Map()
  /** @type {string | null} */
  let current = null
  const common = [
    setup(),
    EditorView.updateListener.of((update) => {
      const isOurs = update.transactions.some((transaction) => transaction.annotation(Transaction.remote))
      if (update.docChanged && !isOurs && current !== null) onChange(current)
      if (update.docChanged || update.selectionSet) onPlace(placeOf(update.state))
    })
  ]
  const view = new EditorView({ parent: host, state: EditorState.create({ extensions: common }) })
  view.dom.hidden = true
  /** @type {import("@codemirror/state").Extension} */
  let extras = []
  const enrich = async () => {
    view.dom.removeEventListener("focusin", enrich)
    try {
      extras = (await loadExtras()).extras
      for (const path of files.keys()) dispatch(path, { effects: later.reconfigure(extras) })
    } catch {
      // Offline: typing works without them, and the next focus tries again.
      view.dom.addEventListener("focusin", enrich)
    }
  }
  view.dom.addEventListener("focusin", enrich)

  /** @param {string} path */
  const stateOf = (path) => (path === current ? view.state : files.get(path)?.state)

  /** @param {string} path @param {import("@codemirror/state").TransactionSpec} spec */
  const dispatch = (path, spec) => {
    const file = files.get(path)
    if (path === current) view.dispatch(spec)
    else if (file) file.state = file.state.update(spec).state
  }

  const putAside = () => {
    const file = current === null ? undefined : files.get(current)
    if (!file) return
    file.state = view.state
    file.scroll = view.scrollSnapshot()
  }

  return {
    /** @param {string} path */
    has: (path) => files.has(path),

    /** Takes a file's text in; `show` brings it to the front. @param {string} path @param {string} text @param {number} [cursor] */
    open(path, text, cursor = 0) {
      const language = new Compartment()
      const separator = /\r\n/.test(text) && !/[^\r]\n/.test(text) ? [EditorState.lineSeparator.of("\r\n")] : []
      const state = EditorState.create({
        doc: text,
        extensions: [common, language.of(languageOf(path)), separator, EditorView.contentAttributes.of({ "aria-label": path })]
      })
      const anchor = Math.min(cursor, state.doc.length)
      const begun = state.update({ selection: { anchor }, effects: later.reconfigure(extras) }).state
      files.set(path, { state: begun, language, scroll: null })
      void fetchedLanguage(path)?.then((extension) => dispatch(path, { effects: language.reconfigure(extension) }))
    },

    /** @param {string | null} path null hides the editor */
    show(path) {
      const file = path === null ? undefined : files.get(path)
      view.dom.hidden = !file
      if (path === current) return
      putAside()
      current = file ? path : null
      if (!file) return
      view.setState(file.state)
      if (file.scroll) view.dispatch({ effects: file.scroll })
      onPlace(placeOf(view.state))
    },

    /** @param {string} path */
    close(path) {
      files.delete(path)
      if (path === current) current = null
    },

    closeAll() {
      files.clear()
      current = null
      view.dom.hidden = true
    },

    /** @param {string} from @param {string} to */
    rename(from, to) {
      const text = stateOf(from)?.sliceDoc()
      const anchor = stateOf(from)?.selection.main.head
      if (text === undefined) return
      const wasCurrent = from === current
      this.close(from)
      this.open(to, text, anchor)
      if (wasCurrent) this.show(to)
    },

    /** @param {string} path @returns {string} */
    text: (path) => stateOf(path)?.sliceDoc() ?? "",

    /** @param {string} path */
    cursor: (path) => stateOf(path)?.selection.main.head ?? 0,

    /** Puts in what the server has; the cursor stays where it was. @param {string} path @param {string} text */
    replace(path, text) {
      const state = stateOf(path)
      if (state) dispatch(path, { changes: changeBetween(state, text), annotations: Transaction.remote.of(true) })
    },

    /** Selects a line and takes the focus. @param {number} line from 1 */
    goTo(line) {
      const { from, to } = view.state.doc.line(Math.max(1, Math.min(line, view.state.doc.lines)))
      view.dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: "center" }) })
      view.focus()
    },

    /** Marks the line that failed; null takes the mark away. @param {string} path @param {LineFailure | null} failure */
    fail(path, failure) {
      dispatch(path, failureSpec(failure))
    },

    focus: () => view.focus(),

    /** @param {(view: EditorView) => boolean} command one of CodeMirror's */
    run(command) {
      view.focus()
      return command(view)
    },

    /** Whether Tab moves the focus instead of indenting. @param {boolean} on */
    setTabMoves: (on) => view.setTabFocusMode(on),

    destroy: () => view.destroy()
  }
}

/** @param {EditorState} state @returns {Place} */
function placeOf(state) {
  const { head, from, to } = state.selection.main
  const line = state.doc.lineAt(head)
  return { line: line.number, column: head - line.from + 1, selected: to - from }
}

/** The smallest change that makes the document equal to `text`. @param {EditorState} state @param {string} text */
function changeBetween(state, text) {
  const before = state.sliceDoc().replaceAll("\r\n", "\n")
  const after = text.replaceAll("\r\n", "\n")
  const most = Math.min(before.length, after.length)
  let start = 0
  while (start < most && before[start] === after[start]) start += 1
  let end = 0
  while (end < most - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1
  return { from: start, to: before.length - end, insert: Text.of(after.slice(start, after.length - end).split("\n")) }
}
