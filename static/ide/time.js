/**
 * Times as people say them.
 */

const UNITS = /** @type {const} */ ([
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60]
])
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" })

/** @param {number} at milliseconds since 1970 @param {number} [now] */
export function ago(at, now = Date.now()) {
  const seconds = Math.max(0, (now - at) / 1000)
  for (const [unit, size] of UNITS) if (seconds >= size) return words.format(-Math.floor(seconds / size), unit)
  return "just now"
}
