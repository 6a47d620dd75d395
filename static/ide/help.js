/**
 * The keys, as a dialog: those of the page from the list of actions, those of the editor written out.
 */
import { el } from "../shared/dom.js"
import { keyNames } from "./actions.js"
import { openDialog } from "./dialog.js"

const EDITOR = /** @type {const} */ ([
  ["Indent, or take the completion", "Tab"],
  ["Let Tab leave the editor", "Esc"],
  ["Switch what Tab does", "Ctrl+M"],
  ["Find and replace", "Mod+F"],
  ["Go to line", "Alt+G"],
  ["Comment or uncomment", "Mod+/"],
  ["Select the next same word", "Mod+D"],
  ["One more cursor", "Alt+Click"],
  ["Move the line", "Alt+↑"],
  ["Undo", "Mod+Z"],
  ["Next problem", "F8"],
  ["Complete", "Ctrl+Space"]
])

const PANES = /** @type {const} */ ([
  ["Rename the chosen file", "F2"],
  ["Delete the chosen file, or close the chosen tab", "Delete"],
  ["Move a gap between panes", "←"],
  ["Reset a gap", "Enter"],
  ["Send", "Enter"],
  ["New line in a message", "Shift+Enter"],
  ["Stop the reply", "Esc"]
])

/** @param {import("./actions.js").Actions} actions */
export function openHelp(actions) {
  const page = actions.withKeys().map(({ label, keys }) => /** @type {const} */ ([label, keys?.[0] ?? ""]))
  openDialog({
    title: "Keys",
    sub: "Everything works without a mouse.",
    width: "wide",
    body: [
      el(
        "div",
        { class: "dialog__part dialog__part--last keys" },
        group("Anywhere", page),
        group("In the code", EDITOR),
        group("In lists, gaps and the chat", PANES)
      )
    ]
  })
}

/** @param {string} title @param {readonly (readonly [string, string])[]} rows */
function group(title, rows) {
  return el(
    "section",
    { class: "keys__group" },
    el("h3", { class: "dialog__label" }, title),
    el(
      "dl",
      null,
      ...rows.map(([label, shortcut]) =>
        el(
          "div",
          { class: "keys__row" },
          el("dt", null, label),
          el("dd", null, ...keyNames(shortcut).map((key) => el("kbd", { class: "kbd" }, key)))
        )
      )
    )
  )
}
