/**
 * Copies text and says so.
 */
import { announce } from "./announce.js"
import { el } from "./dom.js"

/**
 * Copies text. Where the clipboard API is missing (a page over plain http) the older command is tried.
 * @param {string} text
 * @param {string} [said] announced to screen readers afterwards
 * @returns {Promise<boolean>} false when the browser refused
 */
export async function copyText(text, said = "Copied") {
  const isCopied = (await viaApi(text)) || viaCommand(text)
  announce(isCopied ? said : "The browser did not allow copying")
  return isCopied
}

/** @param {string} text */
async function viaApi(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

/** @param {string} text */
function viaCommand(text) {
  const before = document.activeElement
  const field = el("textarea", { class: "sr-only", value: text, readOnly: true, "aria-hidden": true })
  document.body.append(field)
  field.select()
  const isCopied = document.execCommand("copy")
  field.remove()
  if (before instanceof HTMLElement) before.focus()
  return isCopied
}
