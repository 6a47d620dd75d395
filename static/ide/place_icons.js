/**
 * Draws the icons that a template only names: <span data-icon="play"></span>.
 */
import { icon } from "../shared/icons.js"

/** @param {ParentNode} [root] */
export function placeIcons(root = document) {
  for (const node of root.querySelectorAll("[data-icon]")) {
    node.replaceWith(icon(/** @type {import("../shared/icons.js").IconName} */ (/** @type {HTMLElement} */ (node).dataset.icon)))
  }
}
