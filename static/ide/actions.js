/**
 * Everything that a person can do, in one list: it feeds the keys, the buttons, the finder and the help.
 */

/**
 * @typedef {object} Action
 * @property {string} id
 * @property {string} label a verb, as the finder and the help show it
 * @property {string[]} [keys] such as Mod+Enter; Mod is Command on a Mac, else Control
 * @property {import("../shared/icons.js").IconName} [icon]
 * @property {(from: HTMLElement | null) => void} run gets the button that was pressed, null where a key or the finder did it
 * @property {() => boolean} [isEnabled]
 * @property {boolean} [isHidden] not worth a row in the finder
 * @property {boolean} [isOutsideText] only where no text is being typed
 */

const isMac = /Mac|iPhone|iPad/.test(navigator.platform)
const MAC_SIGNS = /** @type {Record<string, string>} */ ({ Mod: "⌘", Shift: "⇧", Alt: "⌥", Ctrl: "⌃" })

/** The keys of a shortcut as this machine names them. @param {string} shortcut @returns {string[]} */
export function keyNames(shortcut) {
  return shortcut.split("+").map((key) => (isMac ? (MAC_SIGNS[key] ?? key) : key === "Mod" ? "Ctrl" : key))
}

export class Actions {
  /** @type {Map<string, Action>} */
  #all = new Map()

  /** @param {...Action} actions */
  add(...actions) {
    for (const action of actions) this.#all.set(action.id, action)
  }

  /** Those that can be done now. */
  list() {
    return [...this.#all.values()].filter((action) => action.isEnabled?.() ?? true)
  }

  /** All of them that have keys, for the help. */
  withKeys() {
    return [...this.#all.values()].filter((action) => action.keys?.length)
  }

  /** @param {string} id @param {HTMLElement | null} [from] */
  run(id, from = null) {
    const action = this.#all.get(id)
    if (!action) throw new Error(`No action is called ${id}`)
    if (action.isEnabled?.() ?? true) action.run(from)
  }

  /** Listens to the keys and to every element with data-act, for as long as the page lives. */
  listen() {
    document.addEventListener("keydown", (event) => this.#press(event), { capture: true })
    document.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-act]") : null
      if (button instanceof HTMLElement && button.dataset.act) this.run(button.dataset.act, button)
    })
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.isComposing || event.defaultPrevented) return
    const action = [...this.#all.values()].find((one) => one.keys?.some((keys) => isPressed(keys, event)))
    if (!action || (action.isOutsideText && isText(event.target))) return
    event.preventDefault()
    event.stopPropagation()
    // A dialog is a conversation of its own: the page behind it waits.
    if (document.querySelector("dialog:modal") || event.repeat) return
    if (action.isEnabled?.() ?? true) action.run(null)
  }
}

/** @param {string} shortcut @param {KeyboardEvent} event */
function isPressed(shortcut, event) {
  const parts = shortcut.split("+")
  const key = parts.pop() ?? ""
  const hasMod = isMac ? event.metaKey : event.ctrlKey
  const wantsCtrl = parts.includes("Ctrl") || (!isMac && parts.includes("Mod"))
  // "?" needs Shift on most keyboards, and says so itself.
  const isSign = /^[^\w\s]$/.test(key) && parts.length === 0
  return (
    event.key.toLowerCase() === key.toLowerCase() &&
    (parts.includes("Mod") ? hasMod : isMac ? !event.metaKey : true) &&
    event.ctrlKey === wantsCtrl &&
    event.altKey === parts.includes("Alt") &&
    (isSign || event.shiftKey === parts.includes("Shift"))
  )
}

/** @param {EventTarget | null} target */
function isText(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"))
}
