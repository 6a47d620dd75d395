/**
 * Icons, drawn for this product on a 20-unit grid, as paths. These are the ones that every page has; icons.js has all.
 */

const SVG = "http://www.w3.org/2000/svg"

/** Stroked outlines. @satisfies {Record<string, string>} */
export const COMMON = {
  alert: "M10 3.25 2.5 16.25h15zM10 8.25v3.5M10 14h.01",
  check: "m4 10.5 4 4 8-9",
  copy: "M9 7h5.75a2 2 0 0 1 2 2v5.75a2 2 0 0 1-2 2H9a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2ZM13 4.5a1.25 1.25 0 0 0-1.25-1.25H4.5A1.25"
    + " 1.25 0 0 0 3.25 4.5v7.25c0 .7.55 1.25 1.25 1.25",
  down: "m5.5 8 4.5 4.5L14.5 8",
  offline: "M3 3l14 14M5.5 13.5a3 3 0 0 1 .6-5.9M8.5 5.6a4.5 4.5 0 0 1 6 3.9 2.75 2.75 0 0 1 1.9 4.3",
  open: "M11 3.5h5.5V9M16 4 9 11M8 4.5H4.25a.75.75 0 0 0-.75.75v10.5c0 .4.35.75.75.75h10.5c.4 0 .75-.35.75-.75V12",
  stopped: "M7 2.75h6L17.25 7v6L13 17.25H7L2.75 13V7zM10 6.5v4.25M10 13.5h.01",
  trash: "M3.75 5.5h12.5M8 5.5V3.5h4v2M5.25 5.5l.75 11h8l.75-11M8.5 8.75v4.5M11.5 8.75v4.5",
  up: "M10 16V4.5M5 9.25l5-5 5 5",
  x: "m5 5 10 10M15 5 5 15",
}

/** Filled shapes. @satisfies {Record<string, string>} */
export const SOLIDS = {
  play: "M6 3.6v12.8c0 .5.5.8.9.5l9.6-6.4a.6.6 0 0 0 0-1L6.9 3.1A.6.6 0 0 0 6 3.6Z",
  stop: "M6.5 4.5h7a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2Z",
}

/** @typedef {keyof typeof COMMON | keyof typeof SOLIDS} CommonName */

/** Marks that need a heavier pen than the sheet's 1.6. @type {Record<string, string>} */
const PENS = { dots: "2.4", up: "1.9" }

/**
 * One icon, hidden from screen readers: the control around it carries the name.
 * @param {CommonName} name
 * @param {string} [className] added to `icon`
 * @returns {SVGSVGElement}
 */
export function icon(name, className = "") {
  return drawing({ ...COMMON, ...SOLIDS }[name], name, className)
}

/**
 * @param {string} d
 * @param {string} name
 * @param {string} className
 */
export function drawing(d, name, className) {
  // On the path itself, these win over what it inherits from .icon; a style attribute would be refused by the CSP.
  const solid = name in SOLIDS ? { fill: "currentColor", stroke: "none" } : {}
  const path = svg("path", { d, "stroke-width": PENS[name], ...solid })
  return svg("svg", { class: `icon ${className}`.trim(), viewBox: "0 0 20 20", "aria-hidden": "true" }, path)
}

/**
 * An SVG element with attributes and children.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | undefined>} attributes undefined leaves one out
 * @param {...SVGElement} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(name, String(value))
  node.append(...children)
  return node
}
