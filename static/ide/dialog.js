/**
 * Dialogs: the browser's own modal <dialog>, which keeps the focus inside and gives it back when it closes.
 */
import { append, el } from "../shared/dom.js"
import { icon } from "../shared/icons.js"

/** @typedef {import("../shared/dom.js").Child} Child */

/**
 * @typedef {object} DialogSpec
 * @property {string} title
 * @property {Child} [sub] one sentence below the title
 * @property {Child[]} [body]
 * @property {Child[]} [foot]
 * @property {"narrow" | "wide"} [width]
 * @property {() => void} [onClose]
 */

let count = 0

/**
 * Opens a dialog at once. Escape, its cross and a click outside close it.
 * @param {DialogSpec} spec
 */
export function openDialog({ title, sub, body = [], foot, width, onClose }) {
  const id = `dialog-${(count += 1)}`
  const heading = el("h2", { class: "dialog__title", id }, title)
  const line = el("p", null, sub)
  const close = () => dialog.close()
  const cross = el(
    "button",
    {
      class: "btn btn--quiet btn--icon dialog__close",
      type: "button",
      "aria-label": "Close",
      onclick: close
    },
    icon("x")
  )
  const head = el("div", { class: "dialog__head" }, el("div", null, heading, line), cross)
  const content = el("div", { class: "dialog__body" })
  append(content, ...body)
  const dialog = el(
    "dialog",
    { class: `dialog${width ? ` dialog--${width}` : ""}`, "aria-labelledby": id },
    head,
    content,
    foot && el("div", { class: "dialog__foot" }, ...foot)
  )
  line.hidden = !sub
  dialog.addEventListener("pointerdown", (event) => {
    if (event.target === dialog) close()
  })
  dialog.addEventListener("close", () => {
    dialog.remove()
    onClose?.()
  })
  document.body.append(dialog)
  dialog.showModal()
  return {
    dialog,
    content,
    close,
    /** @param {string} text @param {Child} below */
    retitle(text, below) {
      heading.textContent = text
      line.replaceChildren()
      append(line, below)
      line.hidden = !below
    },
    get isOpen() {
      return dialog.open
    }
  }
}

/**
 * Asks before something that can't be undone.
 * @param {{title: string, text: Child, verb: string, isBad?: boolean}} question
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, verb, isBad = false }) {
  return new Promise((resolve) => {
    let answer = false
    const yes = el(
      "button",
      { class: `btn ${isBad ? "btn--bad" : "btn--ink"}`, type: "button", onclick: () => answered(true) },
      verb
    )
    const no = el("button", { class: "btn", type: "button", onclick: () => answered(false), autofocus: true }, "Cancel")
    const box = openDialog({
      title,
      width: "narrow",
      body: [el("p", { class: "dialog__part dialog__text" }, text)],
      foot: [el("span", null), no, yes],
      onClose: () => resolve(answer)
    })
    /** @param {boolean} value */
    function answered(value) {
      answer = value
      box.close()
    }
  })
}
