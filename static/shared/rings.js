/**
 * The picture of a bot that has none: rings around a point, grown from its name. The same name gives the same rings.
 */
import { svg } from "./icon.js"

/** Ground, rings, middle. */
const PALETTES = /** @type {const} */ ([
  ["#ece1d1", "#7a4a1c", "#b3300f"], ["#dde9e4", "#1f5c4a", "#0f6a5b"], ["#1f1d2b", "#8b86c9", "#e0c35a"],
  ["#dcdcef", "#4b4f9b", "#b3300f"], ["#1c2733", "#6d9ac4", "#e6bd7a"], ["#f0dada", "#8d3b4a", "#7a0f1f"],
  ["#e4e6d4", "#5d6a2c", "#a5480f"],
])
const WIDTHS = /** @type {const} */ ([1, 1.4, 2, 3.2])

/**
 * @param {string} name
 * @returns {SVGSVGElement} square, 40 units wide, hidden from screen readers
 */
export function rings(name) {
  const next = chance(name)
  const [ground, line, middle] = PALETTES[Math.floor(next() * PALETTES.length)] ?? PALETTES[0]
  const cx = 15 + next() * 10
  const cy = 15 + next() * 10
  const circles = [svg("circle", { cx, cy, r: 3.4, fill: middle })]
  for (let r = 6; r < 36; r += 2.6 + next() * 2.2) {
    const length = 2 * Math.PI * r
    const arc = length * (0.3 + next() * 0.5)
    circles.push(svg("circle", {
      cx, cy, r, fill: "none", stroke: line, "stroke-width": WIDTHS[Math.floor(next() * WIDTHS.length)],
      "stroke-opacity": (0.2 + next() * 0.4).toFixed(2), "stroke-dasharray": `${arc.toFixed(1)} ${(length - arc).toFixed(1)}`,
      transform: `rotate(${Math.floor(next() * 360)} ${cx} ${cy})`,
    }))
  }
  return svg("svg", { viewBox: "0 0 40 40", "aria-hidden": "true" }, svg("rect", { width: 40, height: 40, fill: ground }), ...circles)
}

/** Numbers in [0, 1) that follow from a text (FNV-1a, then mulberry32). @param {string} text */
function chance(text) {
  let seed = 0x811c9dc5
  for (const sign of text) seed = Math.imul(seed ^ (sign.codePointAt(0) ?? 0), 0x01000193)
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
