/**
 * Where a person was in a bot: its tabs, the one in front, the cursors. Kept in this browser.
 */
import { keep, kept } from "../shared/keep.js"

/** @typedef {{open: string[], current: string | null, cursors: Record<string, number>}} Places */

/** @param {string} botId */
const keyOf = (botId) => `hal9.places.${botId}`

/** @param {string} botId @returns {Places | null} */
export function placesOf(botId) {
  return kept(keyOf(botId))
}

/** @param {string} botId @param {Places} places */
export function keepPlacesOf(botId, places) {
  keep(keyOf(botId), places)
}
