/**
 * A push button in one line.
 */
import { el } from "../shared/dom.js"
import { icon } from "../shared/icons.js"

/**
 * @param {string | Node} label
 * @param {() => unknown} onclick
 * @param {string} [className] added to `btn`
 * @param {import("../shared/icons.js").IconName} [sign] drawn before the label
 */
export function button(label, onclick, className = "", sign) {
  return el("button", { class: `btn ${className}`.trim(), type: "button", onclick: () => void onclick() }, sign && icon(sign), label)
}
