/**
 * The badge of a console that is out of view: how much was written there since.
 */
import { el, fill } from "../shared/dom.js"

/** @param {HTMLElement} badge */
export function mountUnread(badge) {
  let count = 0
  const draw = () => {
    for (const node of [badge, document.getElementById("console-badge-phone")]) {
      if (!node) continue
      node.hidden = count === 0
      fill(node, count > 99 ? "99+" : count, el("span", { class: "sr-only" }, " new in the console"))
    }
  }
  return {
    /** @param {boolean} isHidden whether the console is out of view */
    add(isHidden) {
      if (!isHidden) return
      count += 1
      draw()
    },
    clear() {
      if (!count) return
      count = 0
      draw()
    }
  }
}
