/**
 * Says one sentence to screen readers, without showing it.
 */
import { el } from "./dom.js"

/** @type {HTMLElement | null} */
let region = null

/** Puts the region on the page. Early, because a region that appears together with its text is often not read. */
export function prepareAnnouncements() {
  if (region?.isConnected) return region
  region = el("p", { class: "sr-only", role: "status" })
  document.body.append(region)
  return region
}

/** @param {string} text */
export function announce(text) {
  const status = prepareAnnouncements()
  // The same sentence twice is a change only if something differs.
  status.textContent = status.textContent === text ? `${text}\u00a0` : text
}
