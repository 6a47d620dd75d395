/**
 * What the visitor's page can do beside talking, fetched when it is first used: share, the theme, deleting with Undo.
 */
import { openMenu } from "../ide/menu.js"
import { copyText } from "../shared/clipboard.js"
import { setTheme, theme } from "../shared/theme.js"
import { toast } from "../shared/toast.js"

/** Gives the link to the phone's own sheet, or to the clipboard. @param {string} title */
export async function share(title) {
  const url = location.origin + location.pathname
  const isPhone = matchMedia("(pointer: coarse)").matches && "share" in navigator
  if (isPhone) return navigator.share({ title, url }).catch(() => {})
  toast((await copyText(url)) ? "Link copied" : `The link is ${url}`)
}

/** @param {HTMLElement} button */
export function openThemes(button) {
  const choice = (/** @type {import("../shared/theme.js").Theme} */ name, /** @type {string} */ label) =>
    ({ label, isChosen: theme() === name, run: () => setTheme(name) })
  openMenu(button, "More", [{ heading: "Theme" }, choice("auto", "As the system"), choice("light", "Light"), choice("dark", "Dark")])
}

/** @param {string} sentence */
export function complain(sentence) {
  toast(sentence, { kind: "bad" })
}

/**
 * Says that a conversation is gone and offers it back.
 * @param {{onUndo: () => void, onGone: () => Promise<unknown>}} acts `onGone` deletes it for good
 */
export function offerUndo({ onUndo, onGone }) {
  toast("Conversation deleted", {
    action: "Undo",
    onAction: onUndo,
    onClose: () => void onGone().catch((error) => complain(`Not deleted. ${error.message}`)),
  })
}
