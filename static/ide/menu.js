/**
 * Menus: a popover below its button, worked by arrow keys, closed by Escape, Tab or a click elsewhere.
 */
import { el } from "../shared/dom.js"
import { icon } from "../shared/icons.js"

/**
 * @typedef {object} Entry
 * @property {string} label
 * @property {import("../shared/icons.js").IconName} [icon]
 * @property {() => void} [run]
 * @property {string} [href] a link instead of an action
 * @property {string} [end] shown at the end of the row: a shortcut, a state
 * @property {boolean} [isChosen] one of several, of which one holds
 * @property {boolean} [isBad]
 */

/** @typedef {Entry | "line" | {heading: string}} Item */

const EDGE = 8

/**
 * Opens a menu at a button, or closes the one that this button opened.
 * @param {HTMLElement} anchor
 * @param {string} label
 * @param {Item[]} items
 * @param {{x: number, y: number}} [at] where the pointer is, for a menu of a right click
 */
export function openMenu(anchor, label, items, at) {
  if (anchor.ariaExpanded === "true") return
  const menu = el("div", { class: "menu", role: "menu", "aria-label": label, popover: "auto", tabIndex: -1 }, ...items.map(row))
  const rows = [.../** @type {NodeListOf<HTMLElement>} */ (menu.querySelectorAll("[role^=menuitem]"))]

  /** @param {Item} item */
  function row(item) {
    if (item === "line") return el("div", { class: "menu__line", role: "separator" })
    if ("heading" in item) return el("div", { class: "menu__label", role: "presentation" }, item.heading)
    const isChoice = item.isChosen !== undefined
    const parts = [
      isChoice ? icon("check", item.isChosen ? "" : "icon--hidden") : item.icon && icon(item.icon),
      el("span", { class: "menu__name" }, item.label),
      item.end && el("span", { class: "menu__end" }, item.end)
    ]
    const props = {
      class: `menu__item${item.isBad ? " menu__item--bad" : ""}`,
      role: isChoice ? "menuitemradio" : "menuitem",
      tabIndex: -1
    }
    if (item.href) return el("a", { ...props, href: item.href, onclick: hide }, ...parts)
    const node = el("button", { ...props, type: "button", onclick: () => (hide(), item.run?.()) }, ...parts)
    if (isChoice) node.ariaChecked = String(item.isChosen)
    return node
  }

  function hide() {
    // The focus goes back first, so that what the row does may move it on.
    menu.hidePopover()
  }

  /** @param {KeyboardEvent} event */
  function move(event) {
    const index = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement))
    const next = { ArrowDown: index + 1, ArrowUp: index < 0 ? -1 : index - 1, Home: 0, End: -1 }[event.key]
    if (event.key === "Tab") return menu.hidePopover()
    if (next !== undefined) rows.at(next === rows.length ? 0 : next)?.focus()
    else if (/^\S$/.test(event.key) && !event.ctrlKey && !event.metaKey) find(event.key.toLowerCase(), index)
    else return
    event.preventDefault()
  }

  /** @param {string} letter @param {number} index */
  function find(letter, index) {
    const after = [...rows.slice(index + 1), ...rows.slice(0, index + 1)]
    after.find((node) => node.querySelector(".menu__name")?.textContent?.toLowerCase().startsWith(letter))?.focus()
  }

  menu.addEventListener("keydown", move)
  menu.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "open") return
    anchor.ariaExpanded = "false"
    menu.remove()
  })
  // Inside the landmark of its button, and inside a modal dialog, whose outside is inert. Never in a list that is drawn anew.
  const home = anchor.closest("dialog, header, nav, section, main") ?? document.body
  home.append(menu)
  anchor.ariaExpanded = "true"
  anchor.focus()
  menu.showPopover()
  place(menu, anchor, at)
  rows[0]?.focus()
}

/**
 * Below the anchor, or above where there is no room; never over the edge of the window.
 * @param {HTMLElement} menu @param {HTMLElement} anchor @param {{x: number, y: number}} [at]
 */
function place(menu, anchor, at) {
  const box = anchor.getBoundingClientRect()
  const { width, height } = menu.getBoundingClientRect()
  const isRight = box.left + box.width / 2 > innerWidth / 2
  const left = at ? at.x : isRight ? box.right - width : box.left
  const below = at ? at.y : box.bottom + 4
  const top = below + height > innerHeight - EDGE ? (at ? at.y : box.top - 4) - height : below
  menu.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - width - EDGE))}px`
  menu.style.top = `${Math.max(EDGE, top)}px`
}
