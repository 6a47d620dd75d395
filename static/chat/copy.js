/**
 * A small button that copies a text and shows for a moment that it did.
 */
import { el, fill } from "../shared/dom.js"
import { icon } from "../shared/icon.js"

/**
 * @param {string} label
 * @param {() => string} text
 * @param {string} [className]
 */
export function copyButton(label, text, className = "btn btn--quiet btn--icon btn--sm") {
  const button = el("button", { class: className, type: "button", "aria-label": label, title: label }, icon("copy"))
  button.onclick = async () => {
    const { copyText } = await import("../shared/clipboard.js")
    fill(button, icon((await copyText(text())) ? "check" : "alert"))
    setTimeout(() => fill(button, icon("copy")), 2000)
  }
  return button
}
