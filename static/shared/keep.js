/**
 * Small values kept in this browser as JSON: for good ("local") or for this tab ("session"), in memory where it refuses.
 */

/** @typedef {"local" | "session"} Area */

/** @type {Map<string, string>} */
const memory = new Map()

/**
 * @param {string} key
 * @param {Area} [area]
 * @returns {any} null where nothing is kept
 */
export function kept(key, area = "local") {
  try {
    return JSON.parse(storage(area).getItem(key) ?? memory.get(key) ?? "null")
  } catch {
    return JSON.parse(memory.get(key) ?? "null")
  }
}

/**
 * @param {string} key
 * @param {unknown} value null or undefined forgets it
 * @param {Area} [area]
 */
export function keep(key, value, area = "local") {
  const isGone = value === null || value === undefined
  if (isGone) memory.delete(key)
  else memory.set(key, JSON.stringify(value))
  try {
    if (isGone) storage(area).removeItem(key)
    else storage(area).setItem(key, JSON.stringify(value))
  } catch {
    // Refused or full: memory has it for as long as the page lives.
  }
}

/** @param {Area} area */
function storage(area) {
  return area === "local" ? localStorage : sessionStorage
}
