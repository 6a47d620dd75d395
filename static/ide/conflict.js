/**
 * A save that lost a race: the difference, and one of two decisions. Fetched when it is first needed.
 */
import { el } from "../shared/dom.js"
import { toast } from "../shared/toast.js"
import { MergeView, unifiedMergeView } from "../vendor/cm-6.43.15/merge.js"
import { openDialog } from "./dialog.js"
import { EditorState, EditorView } from "./editor/codemirror.js"
import { languageOf } from "./editor/languages.js"
import { setup } from "./editor/setup.js"

/** @typedef {import("./workspace.js").Workspace} Workspace */

const NARROW_PX = 760

/**
 * Shows what both sides have. Closing without a decision leaves the conflict as it is.
 * @param {Workspace} workspace
 * @param {string} path
 */
export async function showConflict(workspace, path) {
  const { mine, theirs } = await workspace.conflict(path)
  const isGone = theirs.etag === null
  const isText = theirs.text !== null
  const host = el("div", { class: "diff", tabIndex: 0, role: "region", "aria-label": `Difference of ${path}` })
  const heads = el(
    "div",
    { class: "diff__heads", "aria-hidden": true },
    el("span", null, "Theirs, on the server"),
    el("span", null, "Mine, on this screen")
  )
  const sub = isGone
    ? "It was deleted elsewhere after you opened it."
    : "It was changed elsewhere after you opened it. Nothing is overwritten until you choose."
  const box = openDialog({
    title: `${path}: two versions`,
    sub,
    width: "wide",
    body: [
      el(
        "div",
        { class: "dialog__part" },
        isText && heads,
        isText ? host : el("p", { class: "caption" }, isGone ? "There is nothing to compare." : "The other copy is not text.")
      )
    ],
    foot: [
      el("span", null, "Keep mine replaces the copy on the server. Take theirs can be undone in the editor."),
      el(
        "button",
        { class: "btn", type: "button", onclick: () => decide(() => workspace.takeTheirs(path, theirs.text, theirs.etag)) },
        isGone ? "Delete it here too" : "Take theirs"
      ),
      el(
        "button",
        {
          class: "btn btn--ink",
          type: "button",
          autofocus: true,
          onclick: () => decide(() => workspace.keepMine(path, theirs.etag))
        },
        "Keep mine"
      )
    ],
    onClose: () => view?.destroy()
  })
  const view = isText ? mountDiff(host, path, theirs.text ?? "", mine) : null

  /** @param {() => Promise<void>} choice */
  function decide(choice) {
    box.close()
    choice().catch((error) => toast(`${path} was not settled. ${error.message}`, { kind: "bad" }))
  }
}

/** Side by side, or one over the other on a narrow window. @param {HTMLElement} parent @param {string} path @param {string} theirs @param {string} mine */
function mountDiff(parent, path, theirs, mine) {
  const common = [setup(), languageOf(path), EditorState.readOnly.of(true), EditorView.editable.of(false)]
  if (innerWidth < NARROW_PX) {
    parent.classList.add("diff--unified")
    const extensions = [common, unifiedMergeView({ original: theirs, mergeControls: false, gutter: true })]
    return new EditorView({ parent, doc: mine, extensions })
  }
  return new MergeView({
    parent,
    a: { doc: theirs, extensions: common },
    b: { doc: mine, extensions: common },
    collapseUnchanged: { margin: 3 }
  })
}
