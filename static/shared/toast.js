/**
 * Toasts: a short sentence and at most one action, at the bottom of the page. Never the only record of an error.
 */
import { el } from "./dom.js"
import { icon } from "./icon.js"

/**
 * @typedef {object} ToastOptions
 * @property {string} [action] the label of its button
 * @property {() => void} [onAction]
 * @property {() => void} [onClose] called once when it goes without the action having been used
 * @property {"plain" | "bad"} [kind] "bad" stays until it is closed
 * @property {number} [seconds] how long it shows: 5, or 10 with an action (time enough to undo)
 */

const MOST = 3

/** @type {{polite: HTMLElement, urgent: HTMLElement, host: HTMLElement} | null} */
let regions = null

/**
 * Shows a toast. The time stands still while the pointer or the focus is on it.
 * @param {string} text
 * @param {ToastOptions} [options]
 * @returns {{close: () => void}}
 */
export function toast(text, { action, onAction, onClose, kind = "plain", seconds = action ? 10 : 5 } = {}) {
  const isBad = kind === "bad"
  const { polite, urgent } = place()
  let isOpen = true
  let timer = 0

  const close = (isUsed = false) => {
    if (!isOpen) return
    isOpen = false
    clearTimeout(timer)
    node.remove()
    if (isUsed) onAction?.()
    else onClose?.()
  }
  const wait = () => {
    clearTimeout(timer)
    if (!isBad) timer = window.setTimeout(close, seconds * 1000)
  }
  const hold = () => clearTimeout(timer)

  const node = el("div", { class: isBad ? "toast toast--bad" : "toast", onpointerenter: hold, onpointerleave: wait },
    isBad && icon("alert"), el("span", null, text),
    action && el("button", { type: "button", onclick: () => close(true) }, action),
    el("button", { type: "button", class: "toast__close", "aria-label": "Close", onclick: () => close() }, icon("x")))
  node.addEventListener("focusin", hold)
  node.addEventListener("focusout", wait)
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close()
  })

  const region = isBad ? urgent : polite
  region.append(node)
  while (region.childElementCount > MOST) region.querySelector("button:last-child")?.dispatchEvent(new MouseEvent("click"))
  wait()
  return { close: () => close() }
}

/** Puts the toasts where they can be reached: inside the open modal dialog, whose outside is inert, else on the page. */
function place() {
  if (!regions) {
    const polite = el("div", { class: "toasts__list", role: "status" })
    const urgent = el("div", { class: "toasts__list", role: "alert" })
    regions = { polite, urgent, host: el("section", { class: "toasts", "aria-label": "Messages" }, urgent, polite) }
  }
  const dialogs = document.querySelectorAll("dialog:modal")
  const home = dialogs.item(dialogs.length - 1) ?? document.body
  if (regions.host.parentElement !== home) home.append(regions.host)
  if (home !== document.body) home.addEventListener("close", () => place(), { once: true })
  return regions
}
