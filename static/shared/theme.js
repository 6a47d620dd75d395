/**
 * Light, dark or as the system says. theme-early.js, a plain script in the head, applies the kept choice before the first
 * paint; this module changes it. Both know the key and the attribute.
 */
import { keep, kept } from "./keep.js"

/** @typedef {"light" | "dark" | "auto"} Theme */

const KEY = "hal9.theme"

/** @returns {Theme} */
export function theme() {
  const value = kept(KEY)
  return value === "light" || value === "dark" ? value : "auto"
}

/** @param {Theme} choice */
export function setTheme(choice) {
  keep(KEY, choice === "auto" ? null : choice)
  if (choice === "auto") delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = choice
}

// A choice made in another tab holds here too.
addEventListener("storage", (event) => {
  if (event.key === KEY) setTheme(theme())
})
