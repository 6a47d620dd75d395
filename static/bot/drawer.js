/**
 * The list of a visitor's conversations, by day. On a phone it slides in over the chat.
 */
import { el, fill, find } from "../shared/dom.js"
import { icon } from "../shared/icon.js"

/** @typedef {import("./visit.js").ChatRow} ChatRow */
/** @typedef {{onOpen: (id: string) => void, onNew: () => void, onDelete: (chat: ChatRow) => void}} DrawerActs */

const DAY_MS = 86_400_000
const UNTITLED = "New conversation"

/** @param {DrawerActs} acts */
export function mountDrawer(acts) {
  const page = find("#visit", HTMLElement)
  const drawer = find("#drawer", HTMLElement)
  const main = find("#main", HTMLElement)
  const list = find("#chats", HTMLElement)
  const burger = find("#burger", HTMLButtonElement)

  /** @param {boolean} isOpen */
  const toggle = (isOpen) => {
    page.classList.toggle("visit--drawer", isOpen)
    burger.ariaExpanded = String(isOpen)
    // While it lies over the chat, the chat is out of reach; `inert` says so to keyboards and screen readers.
    main.inert = isOpen
    if (isOpen) find("#drawer-close", HTMLButtonElement).focus()
    else if (drawer.contains(document.activeElement)) burger.focus()
  }
  burger.onclick = () => toggle(true)
  find("#drawer-close", HTMLButtonElement).onclick = () => toggle(false)
  find("#scrim", HTMLElement).onclick = () => toggle(false)
  drawer.addEventListener("keydown", (event) => {
    if (event.key === "Escape") toggle(false)
  })
  // On a page that grew wide the list stands beside the chat, which must not stay out of reach.
  addEventListener("resize", () => {
    if (main.inert && burger.offsetParent === null) toggle(false)
  })
  find("#new-chat", HTMLButtonElement).onclick = () => {
    toggle(false)
    acts.onNew()
  }

  /** @param {ChatRow} chat @param {string | null} current */
  const row = (chat, current) => {
    const title = chat.title || UNTITLED
    const isCurrent = chat.id === current
    const open = () => {
      toggle(false)
      acts.onOpen(chat.id)
    }
    return el("li", { class: "drawer__row" },
      el("button", { class: "drawer__item", type: "button", title, "aria-current": isCurrent ? "page" : null, onclick: open }, title),
      el("button", { class: "btn btn--quiet btn--icon btn--sm", type: "button", "aria-label": `Delete ${title}`, title: "Delete",
        onclick: () => acts.onDelete(chat) }, icon("trash")))
  }

  return {
    /** @param {ChatRow[]} chats @param {string | null} current */
    show(chats, current) {
      /** @type {Map<string, HTMLElement[]>} */
      const days = new Map()
      for (const chat of chats) {
        const name = dayName(chat.updated_at_ms, Date.now())
        days.set(name, [...(days.get(name) ?? []), row(chat, current)])
      }
      fill(list, ...[...days].flatMap(([name, rows]) => [el("h3", null, name), el("ul", null, rows)]))
      if (chats.length === 0) fill(list, el("p", { class: "drawer__empty" }, "No conversations yet."))
    },
  }
}

/**
 * "Today", "This week", then the month, with its year where it is not this one.
 * @param {number} at milliseconds
 * @param {number} now
 */
export function dayName(at, now) {
  const day = new Date(at)
  const today = new Date(now)
  if (day.toDateString() === today.toDateString()) return "Today"
  if (now - at < 7 * DAY_MS) return "This week"
  const isThisYear = day.getFullYear() === today.getFullYear()
  return day.toLocaleDateString(document.documentElement.lang, isThisYear ? { month: "long" } : { month: "long", year: "numeric" })
}
