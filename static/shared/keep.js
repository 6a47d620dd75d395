/**
 * Small values kept in this browser as JSON: in localStorage, or in memory where the browser refuses it.
 */

/** @type {Map<string, string>} */
const memory = new Map()

/**
 * @param {string} key
 * @returns {any} null where nothing is kept
 */
export function kept(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? memory.get(key) ?? "null")
  } catch {
    return JSON.parse(memory.get(key) ?? "null")
  }
}

/**
 * @param {string} key
 * @param {unknown} value null or undefined forgets it
 */
export function keep(key, value) {
  const isGone = value === null || value === undefined
  if (isGone) memory.delete(key)
  else memory.set(key, JSON.stringify(value))
  try {
    if (isGone) localStorage.removeItem(key)
    else localStorage.setItem(key, JSON.stringify(value))
  } catch {
    // Refused or full: memory has it for as long as the page lives.
  }
}
