/**
 * What has to be known above the code: a save that lost a race, a change that came from the command line.
 */
import { el, fill } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
import { button } from "./button.js"

/** @typedef {import("../shared/icons.js").IconName} IconName */

/**
 * @param {HTMLElement} host
 * @param {import("./state.js").IdeStore} store
 * @param {{onConflict: (path: string) => void, shareAgain: () => void, dismiss: () => void}} hooks
 */
export function mountNotices(host, store, { onConflict, shareAgain, dismiss }) {
  const draw = () => {
    const current = store.get("current")
    const notice = store.get("bot")?.notice
    const nodes = []
    if (current && store.get("saves")[current] === "conflict") {
      nodes.push(
        bar(
          "alert",
          `${current} was changed elsewhere. Your text is kept here until you choose.`,
          button("Show the difference", () => onConflict(current), "btn--sm"),
          "notice--warn"
        )
      )
    }
    // The one thing that happens elsewhere so far: the command line sends "private" when its user says nothing.
    if (notice && store.get("bot")?.access === "private") {
      nodes.push(bar("lock", notice, button("Share again", shareAgain, "btn--sm"), "", button("Keep private", dismiss, "btn--quiet btn--sm")))
    } else if (notice) nodes.push(bar("alert", notice, button("OK", dismiss, "btn--sm")))
    host.hidden = nodes.length === 0
    fill(host, ...nodes)
  }
  for (const key of /** @type {const} */ (["bot", "saves", "current"])) store.watch(key, draw)
}

/** @param {IconName} sign @param {string} text @param {HTMLElement} first @param {string} [className] @param {HTMLElement} [second] */
function bar(sign, text, first, className = "", second) {
  return el("div", { class: `notice ${className}`.trim(), role: "status" }, icon(sign), el("span", null, text), first, second)
}
